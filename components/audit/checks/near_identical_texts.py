"""A note that comes again, in whole or nearly, in another part under another patient."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import MOST_ROWS, Apart
from components.audit.similarity.texts import (
    FEWEST_RUNS,
    run_hashes,
    text_copies,
    without_boilerplate,
)
from components.core.schemas import TEXT_PREFIX, columns_under

NAME = "near_identical_texts"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return the pairs of notes that share most of their own word runs across parts."""
    names = columns_under(audited.manifest, TEXT_PREFIX)
    if not names:
        return Finding(passed=True, sentence="the cohort has no texts")
    bound = audited.config.copy_jaccard
    listed: list[dict[str, object]] = []
    compared = 0
    for name in names:
        frame = audited.manifest[audited.manifest[f"{TEXT_PREFIX}{name}"].notna()]
        sets = without_boilerplate([run_hashes(t) for t in frame[f"{TEXT_PREFIX}{name}"]])
        compared += sum(len(each) >= FEWEST_RUNS for each in sets)
        listed += _pairs(frame.reset_index(drop=True), name, *text_copies(
            sets, Apart(frame), least=bound
        ))  # fmt: skip
    return Finding(
        passed=not listed,
        sentence=f"{len(listed)} pair(s) of texts of different patients in different parts are "
        f"copies of one another (Jaccard similarity {bound} or more)"
        if listed
        else f"no text of {compared} long enough to tell comes again in another part",
        evidence={"compared": compared, "pairs": len(listed), "listed": listed[:MOST_ROWS]},
    )


def _pairs(frame: pd.DataFrame, name: str, *found: object) -> list[dict[str, object]]:
    left, right, similarity = found
    row = frame["row"].to_numpy()
    return [
        {"text": name, "row": int(row[i]), "of_row": int(row[j]), "jaccard": round(float(s), 3)}
        for i, j, s in zip(left, right, similarity, strict=True)  # type: ignore[arg-type]
    ]
