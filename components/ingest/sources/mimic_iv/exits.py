"""Why ICU stays leave the cohort: the steps of `stays.sql`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.ingest.flow import Exit

KEPT = "kept"


@dataclass(frozen=True)
class Refusal:
    """A row of stays that cannot be used.

    Attributes:
        reason: one clause.
        field: the column concerned.
        advice: what can be done.
        shown: the column whose value is repeated; none where it says who the patient is.
    """

    reason: str
    field: str
    advice: str
    shown: str = ""


# In the order in which the statement looks at them.
REFUSED = {
    "no_id": Refusal(
        "the row has no readable stay_id and subject_id", "stay_id", "fill them in"
    ),
    "duplicate_id": Refusal(
        "the stay stands twice, or its admission or patient does", "stay_id",
        "keep one row of each",
    ),
    "no_admission": Refusal(
        "the stay's admission is missing from hosp/admissions, or has no admittime", "hadm_id",
        "add the admission, or leave the stay out",
    ),
    "mixed_patients": Refusal(
        "the stay and its admission are of two patients", "subject_id", "correct either",
    ),
    "no_patient": Refusal(
        "the stay's patient is missing from hosp/patients", "subject_id",
        "add the patient, or leave the stay out",
    ),
    "bad_times": Refusal(
        "intime or outtime is missing or no time, the stay ends or the patient dies before it "
        "begins, or it begins ten years after admission", "intime", "correct the times",
    ),
    "bad_age": Refusal(
        "the age at ICU admission is not from 0 to 130 years", "anchor_age",
        "correct anchor_age or anchor_year",
    ),
    "no_label": Refusal(
        "hospital_expire_flag is empty or no number", "hospital_expire_flag", "write 0 or 1"
    ),
    "label_not_binary": Refusal(
        "hospital_expire_flag is neither 0 nor 1", "hospital_expire_flag", "write 0 or 1",
        shown="hospital_expire_flag",
    ),
}  # fmt: skip
LEFT = ("left_before", "died_before")


def exits(*, hours: float, lost: Mapping[str, int]) -> tuple[Exit, ...]:
    """Return the reasons to leave, in order.

    Args:
        hours: from ICU admission to the prediction.
        lost: how many of `LEFT` did.
    """
    moment = f"{hours:g} h after ICU admission"
    words = {"left_before": "left the ICU before the prediction",
             "died_before": "died before the prediction"}  # fmt: skip
    malformed = (Exit(code=code, why=f"refused: {own.reason}") for code, own in REFUSED.items())
    gone = (Exit(code=code, why=f"{words[code]}, {moment}", lost=lost[code]) for code in LEFT)
    return (
        *malformed,
        *gone,
        Exit(code="no_event", why="without any event known by the prediction"),
        Exit(code="exact_duplicate", why="copies of another stay of the patient"),
        Exit(code="contradictory_label", why="copies with another label"),
    )
