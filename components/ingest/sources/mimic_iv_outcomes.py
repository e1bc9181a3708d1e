"""Outcomes beside MIMIC-IV-ECG: dates of the event, or days from a study with a code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from components.core import cells, tables
from components.core.errors import InputError, RecordError
from components.ingest.sources.survival import (
    SurvivalColumns,
    Times,
    WideSeen,
    before_index,
    read_times,
)

_DAYS = SurvivalColumns(time_days="time_days", event="event")
_SECONDS_A_DAY = 86_400
_MIDNIGHT = datetime.min.time()


@dataclass(frozen=True, slots=True)
class Dates:
    """Shifted dates of the event and of the last contact; None = not seen."""

    event: datetime | None
    followup: datetime | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a patient after a study.

    Attributes:
        times: days from the study.
        prevalent: 1 where the event lies before the study; None where that is not known.
    """

    times: Times
    prevalent: int | None = None

    @property
    def known(self) -> bool:
        """Return whether the patient was followed from the study on."""
        return self.times.event is not None or self.times.followup is not None


class Outcomes:
    """Outcomes by study or patient."""

    def __init__(
        self,
        found: dict[str, Dates | Times | RecordError],
        subjects: frozenset[str],
        *,
        by_study: bool,
    ) -> None:
        self._found = found
        self._by_study = by_study
        self._several = frozenset[str]()
        self.subjects = subjects

    def count(self, studies: Iterable[str]) -> None:
        """Learn who has several studies, of which days without a study do not say one.

        Args:
            studies: the patient of each study.
        """
        number = Counter(studies)
        self._several = frozenset(name for name, count in number.items() if count > 1)

    def of(self, subject: str, study: str, when: datetime | None) -> Outcome:
        """Return the outcome of a study; nothing is known where the table has no row.

        Raises:
            RecordError: the row cannot be used, or days of a patient with several studies do not
                say from which.
        """
        found = self._found.get(study if self._by_study else subject)
        if isinstance(found, RecordError):
            raise found
        if isinstance(found, Dates):
            return _dated(found, when)
        if found is not None and not self._by_study and subject in self._several:
            raise RecordError(
                "outcome_ambiguous",
                "the patient has several studies, and the days to the event do not say from which",
                field="time_days",
                advice="give the outcomes a column study_id, or dates (event_time, followup_time)",
            )
        return Outcome(times=found or Times())


def _dated(dates: Dates, when: datetime | None) -> Outcome:
    event = _days(dates.event, when)
    if event is not None and event < 0:
        return Outcome(times=Times(), prevalent=1)
    followup = _days(dates.followup, when)
    if followup is not None and followup < 0:
        raise before_index("followup_time", followup)
    return Outcome(times=Times(event=event, followup=followup), prevalent=0)


def _days(time: datetime | None, since: datetime | None) -> float | None:
    """Return the days between, whole ones where either is a bare date."""
    if time is None or since is None:
        return None
    if _MIDNIGHT in {time.time(), since.time()}:
        return float((time.date() - since.date()).days)
    return (time - since).total_seconds() / _SECONDS_A_DAY


def read_outcomes(file: Path) -> Outcomes:
    """Return the outcomes of a table.

    Raises:
        InputError: it is unreadable, or has neither of its two layouts.
    """
    header, rows = tables.open_table(file)
    dated = _layout(header, file.name)
    key = "study_id" if "study_id" in header and not dated else "subject_id"
    found: dict[str, Dates | Times | RecordError] = {}
    subjects: set[str] = set()
    for _, row in rows:
        name = cells.text(row, key) or ""
        subjects.add(cells.text(row, "subject_id") or "")
        try:
            tables.check_width(row, header)
            if name in found:
                raise RecordError(
                    "duplicate_id", f"the outcomes have the {key} twice", field=key,
                    advice=f"keep one row per {key}",
                )  # fmt: skip
            found[name] = _row(row, dated=dated)
        except RecordError as error:
            found[name] = error
    return Outcomes(found, frozenset(subjects), by_study=key == "study_id")


def _layout(header: list[str], name: str) -> bool:
    """Return whether the table gives dates rather than days."""
    tables.require(header, ["subject_id"], name)
    dated, days = "event_time" in header, "time_days" in header
    if dated == days:
        raise InputError(
            f"the table '{name}' needs either event_time and followup_time, or time_days and "
            f"event; it has {'both' if dated else 'neither'}"
        )
    if dated and "followup_time" not in header:
        raise InputError(
            f"the table '{name}' has event_time and no followup_time: an empty event_time cannot "
            "say how long the patient was followed; add followup_time"
        )
    tables.require(header, [] if dated else ["event"], name)
    return dated


def _row(row: tables.Row, *, dated: bool) -> Dates | Times:
    if not dated:
        return read_times(row, _DAYS, WideSeen())
    return Dates(*cells.moments(row, "event_time", "followup_time", shifted=True))
