"""The audit passed, nothing was waived, and the run is one that may be promoted at all."""

from __future__ import annotations

from components.promote.criterion import Case, Criterion

NAME = "audit"
ORDER = 10


def applies(case: Case) -> bool:
    """Return True: every candidate has been audited."""
    return case.gate.audit.passed


def judge(case: Case) -> Criterion:
    """Return what the evaluation says of the audit, and its own reason against a promotion."""
    tags = case.candidate.judged.stage.facts["tags"]
    audit, may = str(tags.get("audit", "not recorded")), str(tags.get("promotable", "no record"))
    passed = audit == "passed" and may == "yes"
    reason = "" if may == "yes" else f"; promotable: {may}"
    found = "the audit passed with no waiver" if audit == "passed" else f"the audit: {audit}"
    return Criterion(name=NAME, passed=passed, sentence=f"{found}{reason}")
