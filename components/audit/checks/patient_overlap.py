"""A patient in two parts of one fold."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.core.schemas import PART_PREFIX, fold_names

NAME = "patient_overlap"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return how many patients lie in more than one part, per fold."""
    counts: dict[str, int] = {}
    rows: set[str] = set()
    for fold in fold_names(audited.manifest):
        parts = audited.manifest.groupby("patient_id")[f"{PART_PREFIX}{fold}"].nunique()
        shared = parts.index[parts > 1]
        if len(shared):
            counts[fold] = len(shared)
            inside = audited.manifest["patient_id"].isin(shared)
            rows |= set(audited.manifest.loc[inside, "sample_id"])
    worst = max(counts.values(), default=0)
    return Finding(
        passed=not counts,
        sentence=f"{worst} patient(s) lie in more than one part of a fold"
        if counts
        else "every patient lies in one part of each fold",
        evidence={"patients_per_fold": counts, "records": sorted(rows)[:1000]},
    )
