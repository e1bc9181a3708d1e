"""One modality's recordings that come again under another patient: what both checks of it share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.finding import Audited, Finding
from components.audit.parts import MOST_ROWS, Apart, Ints, shared_groups
from components.audit.similarity.banding import Pairs
from components.audit.similarity.sketches import Sketches, pairs_to_compare
from components.audit.similarity.traces import Floats
from components.core.data.arrays import ArrayPart, open_arrays
from components.core.data.contents import file_rows, has_contents
from components.core.modalities import ArrayModality
from components.core.schemas import HASH_PREFIX, codes


@dataclass(frozen=True, kw_only=True)
class Search:
    """How copies of a modality are looked for.

    Attributes:
        modality: whose arrays are compared.
        noun: of one recording, in the plural.
        sketch: of all records.
        compare: similarity `[P]` of pairs, 1 for copies.
        least_cosine: of two sketches worth a look.
        bound: similarity from which on two are copies.
    """

    modality: ArrayModality
    noun: str
    sketch: Callable[[ArrayPart], Sketches]
    compare: Callable[[ArrayPart, Pairs], Floats]
    least_cosine: float
    bound: float


def find_copies(audited: Audited, search: Search) -> Finding:
    """Return what lies in two parts: the same file, and near-copies of different patients.

    Near-copies within one part are counted, too; they are no leak.
    """
    frame = audited.manifest.reset_index(drop=True)
    part = open_arrays(audited.stage.folder, frame).get(search.modality)
    if part is None or not part.there.any():
        return Finding(passed=True, sentence=f"the cohort has no {search.noun}")
    same = f"{HASH_PREFIX}{search.modality}"
    exact, rows = _exact(frame, search.modality)
    pairs = pairs_to_compare(
        search.sketch(part), _Strangers(frame, same), least=search.least_cosine
    )
    similarity = search.compare(part, pairs)
    copies = similarity >= search.bound
    apart = copies & Apart(frame)(pairs.left, pairs.right)
    evidence: dict[str, Any] = {
        "compared": int(part.there.sum()),
        "candidate_pairs": len(pairs),
        "identical_per_fold": exact,
        "identical_rows": rows,
        "pairs": int(apart.sum()),
        "pairs_within_a_part": int((copies & ~apart).sum()),
        "bound": search.bound,
        "listed": _listed(frame, pairs.take(copies), similarity[copies]),
    }
    return _finding(search, max(exact.values(), default=0), evidence)


def _exact(frame: pd.DataFrame, modality: ArrayModality) -> tuple[dict[str, int], list[int]]:
    """Return per fold how many files lie in several parts, and the rows that hold them."""
    if not has_contents(frame, modality):
        return {}, []
    exact, rows = shared_groups(file_rows(frame, modality), f"{HASH_PREFIX}{modality}")
    return exact, sorted(set(rows))


def _finding(search: Search, exact: int, evidence: dict[str, Any]) -> Finding:
    pairs, within = evidence["pairs"], evidence["pairs_within_a_part"]
    told = [
        f"{exact} of the {search.noun} lie in more than one part of a fold" if exact else "",
        f"{pairs} pair(s) of {search.noun} of different patients in different parts are copies of "
        f"one another (similarity {search.bound} or more)" if pairs else "",
    ]  # fmt: skip
    found = "; ".join(filter(None, told)) or (
        f"none of {evidence['compared']} {search.noun} comes again in another part"
    )
    also = f"; {within} pair(s) of patients of one part have copies" if within else ""
    return Finding(passed=not (exact or pairs), sentence=found + also, evidence=evidence)


class _Strangers:
    """Whether two records are of different patients and not the same file.

    Args:
        frame: manifest rows.
        same: column of content hashes; pairs with the same one are found by it.
    """

    def __init__(self, frame: pd.DataFrame, same: str) -> None:
        self._patient = codes(frame["patient_id"])
        self._same = codes(frame[same]) if same in frame else np.full(len(frame), -1)

    def __call__(self, left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
        """Return `[P]`."""
        known = self._same[left] >= 0
        identical = known & (self._same[left] == self._same[right])
        return (self._patient[left] != self._patient[right]) & ~identical


def _listed(frame: pd.DataFrame, pairs: Pairs, similarity: Floats) -> list[dict[str, Any]]:
    row = frame["row"].to_numpy(np.int64)
    return [
        {"row": int(row[pairs.left[k]]), "of_row": int(row[pairs.right[k]]),
         "similarity": round(float(similarity[k]), 3)}
        for k in np.argsort(-similarity, kind="stable")[:MOST_ROWS]
    ]  # fmt: skip
