"""What became of a patient: death, and recurrence, before which death competes.

Days are counted from the first diagnosis. `rfs_event` and `days_to_rfs_event` are not read: they
mix recurrence with metastasis, progress and death, and count from the first treatment, so a
metastasis found before it has a negative day (10 patients). That is no recurrence, and whoever has
one is at risk of recurrence as the others are.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.core import cells, tables
from components.core.errors import RecordError, quoted
from components.ingest.records import Endpoint

ENDPOINT = "recurrence"
STATUS, LAST, RECURRED, RECURRENCE_DAY = (
    "survival_status", "days_to_last_information", "recurrence", "days_to_recurrence",
)  # fmt: skip
COLUMNS = (STATUS, LAST, RECURRED, RECURRENCE_DAY)


@dataclass(frozen=True, kw_only=True)
class Course:
    """One patient's outcomes, in days.

    Attributes:
        death: None where the patient lived at the last contact.
        last: contact, or death.
        recurrence: with death before it as a competing event.
    """

    death: float | None
    last: float
    recurrence: Endpoint


def outcome(row: tables.Row) -> Course:
    """Return a patient's course.

    Raises:
        RecordError: a cell is missing (`missing_value`), another word than the set's
            (`unknown_category`), or a day of recurrence without one (`contradiction`).
    """
    died = _word(row, STATUS, {"living": False, "deceased": True})
    recurred = _word(row, RECURRED, {"no": False, "yes": True})
    last, day = _day(row, LAST), cells.number(row, RECURRENCE_DAY)
    if recurred and day is None:
        raise RecordError(
            "missing_value", f"'{RECURRED}' is yes and '{RECURRENCE_DAY}' is empty",
            field=RECURRENCE_DAY, advice="fill it in",
        )  # fmt: skip
    if day is not None and not recurred:
        raise RecordError(
            "contradiction", f"'{RECURRED}' is no and '{RECURRENCE_DAY}' is filled in",
            field=RECURRENCE_DAY, value=f"{day:g}", advice="correct either of them",
        )  # fmt: skip
    own = Endpoint(
        event_time_days=day, followup_days=last, death_days=last if died and not recurred else None
    )
    return Course(death=last if died else None, last=last, recurrence=own)


def _day(row: tables.Row, column: str) -> float:
    cells.required(row, column)
    value = cells.number(row, column) or 0.0
    if value < 0:
        raise RecordError(
            "event_before_index", f"the time in '{column}' lies before the diagnosis",
            field=column, value=f"{value:g}", advice="correct the day",
        )  # fmt: skip
    return value


def _word(row: tables.Row, column: str, words: dict[str, bool]) -> bool:
    text = cells.required(row, column)
    if text not in words:
        raise RecordError(
            "unknown_category", f"the word in '{column}' is none of {', '.join(words)}",
            field=column, value=quoted(text), advice="write one of these words",
        )  # fmt: skip
    return words[text]
