"""The model card's own sentences: intended use, audit, known failures."""

from __future__ import annotations

from components.evaluate.report import wording
from components.evaluate.report.data import ReportData
from components.evaluate.report.wording import bare

_OUTCOMES = {"refused": "refused", "waived": "waived", "ok": "passed", "info": "for information"}


def intended_use(data: ReportData) -> str:
    """Return what the model is made for; item 3b of the statements says more where it is there."""
    return (
        f"Research on whether this can be predicted: {bare(data.label_definition)}. "
        f"Time of prediction: {bare(data.prediction_time)}. Patients unlike those described here, "
        "other outcomes and other times are outside its use."
    )


def audit_result(data: ReportData) -> str:
    """Return what the leakage audit came to, in one sentence."""
    if not data.audit:
        return "No leakage audit was run."
    counted = {state: sum(check.status == state for check in data.audit) for state in _OUTCOMES}
    told = [f"{count} {_OUTCOMES[state]}" for state, count in counted.items() if count]
    number = len(data.audit)
    return f"Of {number} check{'' if number == 1 else 's'}: {', '.join(told)}."


def known_failures(data: ReportData) -> list[str]:
    """Return the warnings of the run and of its analyses: where the model is known to fail."""
    return [notice.text for notice in wording.notices(data) if notice.level == "warning"]
