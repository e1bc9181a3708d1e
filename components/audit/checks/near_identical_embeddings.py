"""An embedding that comes again, nearly, in another part under another patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import MOST_ROWS, Apart, Ints
from components.audit.similarity.vectors import Vectors, close_pairs, fit_vectors
from components.core.data.arrays import ArrayPart, open_arrays
from components.core.data.copied_embeddings import MOST_COPIES, coarse
from components.core.errors import InputError
from components.core.modalities import EMBEDDED, SPOKEN
from components.core.schemas import EMBEDDINGS, codes

NAME = "near_identical_embeddings"
SEVERITY: Severity = "block"
Floats = npt.NDArray[np.float32]
# Records whose vectors are read at a time where each has many.
_BATCH = 4096


def check(audited: Audited) -> Finding:
    """Return the pairs of patients in different parts whose embeddings point the same way.

    Of a modality in which many patients share a vector (made of a few codes) one alike says
    nothing, nor do the vectors of a crowd (of empty pictures): patients are copies there where they
    are alike in all modalities that both have, two at least.

    Raises:
        InputError: an embedding file has not one row per record.
    """
    frame = audited.manifest.reset_index(drop=True)
    found = list(_all(audited, frame))
    if not found:
        return Finding(passed=True, sentence="the cohort has no embeddings")
    vectors = [own for own, _ in found]
    vague = {own.name for own in vectors if coarse(frame, own.name)}
    listed: list[dict[str, Any]] = []
    crowds: dict[str, int] = {}
    for own, (left, right, cosine) in found:
        crowded = _crowded(codes(frame["patient_id"]), left, right)
        if crowded.any():
            crowds[own.name] = len(np.unique(np.concatenate([left[crowded], right[crowded]])))
        copied = (~crowded & (own.name not in vague)) | _alike(vectors, left, right)
        copied &= cosine >= own.bound
        listed += _listed(frame, own, (left[copied], right[copied]), cosine[copied])
    compared = sum(len(own.records) for own in vectors)
    return Finding(
        passed=not listed,
        sentence=_sentence(vectors, vague, len(listed), compared),
        evidence={
            "compared": compared,
            "bounds": {own.name: round(own.bound, 6) for own in vectors},
            "shared_by_many": sorted(vague),
            "records_in_crowds": crowds,
            "pairs": len(listed),
            "listed": listed[:MOST_ROWS],
        },
    )


def _crowded(patient: Ints, left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
    """Return `[P]` which pairs hang together, from pair to pair, with many patients."""
    size = int(patient.max()) + 1
    ends = (patient[left], patient[right])
    graph = coo_array((np.ones(len(left), np.int8), ends), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    return np.bincount(group)[group[ends[0]]] > MOST_COPIES


def _sentence(vectors: list[Vectors], vague: set[str], pairs: int, compared: int) -> str:
    least = min(own.bound for own in vectors)
    found = (
        f"{pairs} pair(s) of embeddings of different patients in different parts are copies of "
        f"one another (cosine {least:.3g} or more)"
        if pairs
        else f"no embedding of {compared} comes again in another part"
    )
    named = ", ".join(SPOKEN[own.name] for own in vectors if own.name in vague)
    also = f"; many patients share {named}, which is judged beside the others only"
    return found + (also if vague else "")


def _all(
    audited: Audited, frame: pd.DataFrame
) -> Iterator[tuple[Vectors, tuple[Ints, Ints, Floats]]]:
    """Yield each kind of embedding with its near pairs; memory holds one kind."""
    apart = Apart(frame)
    for name, records, rows in _sources(audited, frame):
        own, directions = fit_vectors(name, records, rows, audited.config.copy_cosine)
        yield own, close_pairs(own, directions, apart)


def _sources(
    audited: Audited, frame: pd.DataFrame
) -> Iterator[tuple[str, Ints, Callable[[Ints], Floats]]]:
    for file in sorted((audited.stage.folder / EMBEDDINGS).glob("*.npy")):
        values = _read(file, len(frame))
        there = np.flatnonzero(np.isfinite(values).all(axis=1))
        yield file.stem, there, values.__getitem__
    for name, part in open_arrays(audited.stage.folder, frame).items():
        if name in EMBEDDED and part.there.any():
            yield name, np.flatnonzero(part.there), _Pooled(part)


class _Pooled:
    """Vectors of an array modality; of several of one record their mean."""

    def __init__(self, part: ArrayPart) -> None:
        self._part = part

    def __call__(self, records: Ints) -> Floats:
        """Return `[P, W]`."""
        firsts = range(0, len(records), _BATCH)
        parts = [self._batch(records[first : first + _BATCH]) for first in firsts]
        width = self._part.reader.shape[-1]
        return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)

    def _batch(self, records: Ints) -> Floats:
        values = self._part.values(records).astype(np.float32)
        valid = self._part.valid(records)
        if valid is None:
            return values
        return np.where(valid[..., None], values, 0).sum(axis=1) / valid.sum(axis=1)[:, None]


def _read(file: Path, records: int) -> Floats:
    values = np.load(file, allow_pickle=False)
    if values.ndim != 2 or len(values) != records:
        raise InputError(
            f"'{EMBEDDINGS}/{file.name}' has shape {values.shape}, the cohort {records} "
            "records; write one row per record of the manifest, in its order"
        )
    return values.astype(np.float32)


def _alike(vectors: list[Vectors], left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
    """Return `[P]` which pairs are near in every kind that both have, two at least."""
    common, near = np.zeros(len(left), np.int64), np.ones(len(left), np.bool_)
    for own in vectors:
        both = np.isin(left, own.records) & np.isin(right, own.records)
        common += both
        near[both] &= own.cosine(left[both], right[both]) >= own.bound
    return near & (common > 1)


def _listed(
    frame: pd.DataFrame, own: Vectors, pairs: tuple[Ints, Ints], cosine: Floats
) -> list[dict[str, Any]]:
    row = frame["row"].to_numpy(np.int64)
    return [
        {"embedding": own.name, "row": int(row[left]), "of_row": int(row[right]),
         "cosine": round(float(figure), 4)}
        for left, right, figure in zip(*pairs, cosine, strict=True)
    ]  # fmt: skip
