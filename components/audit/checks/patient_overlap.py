"""A patient in two parts of one fold."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import shared_groups

NAME = "patient_overlap"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return how many patients lie in more than one part, per fold."""
    counts, rows = shared_groups(audited.manifest, "patient_id")
    return Finding(
        passed=not counts,
        sentence=f"{max(counts.values())} patient(s) lie in more than one part of a fold"
        if counts
        else "every patient lies in one part of each fold",
        evidence={"patients_per_fold": counts, "rows": rows},
    )
