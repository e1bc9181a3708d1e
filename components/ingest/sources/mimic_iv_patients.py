"""MIMIC-IV's table of patients: sex, age at a date, period, death."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from components.core import cells, tables
from components.core.errors import RecordError
from components.ingest.sources.survival import before_index

_COLUMNS = ("subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod")


@dataclass(frozen=True, slots=True)
class Person:
    """One patient.

    Attributes:
        sex: `F` or `M`.
        anchor_age: in the anchor year, years; above 89 it reads 91.
        anchor_year: shifted like the patient's dates.
        period: the real years of the anchor year.
        died: shifted date of death, up to a year after the last discharge.
    """

    sex: str | None
    anchor_age: float | None
    anchor_year: float | None
    period: str | None
    died: datetime | None

    def age(self, when: datetime | None) -> float | None:
        """Return the age in years at a shifted date."""
        if when is None or self.anchor_age is None or self.anchor_year is None:
            return None
        return self.anchor_age + when.year - self.anchor_year

    def death_days(self, when: datetime | None) -> float | None:
        """Return the calendar days from a shifted date to death.

        Raises:
            RecordError: death lies before it.
        """
        if when is None or self.died is None:
            return None
        days = float((self.died.date() - when.date()).days)
        if days < 0:
            raise before_index("dod", days)
        return days


class People:
    """The patients by id; a row that cannot be used refuses the records of its patient."""

    def __init__(self, found: dict[str, Person | RecordError]) -> None:
        self._found = found

    def of(self, subject: str) -> Person:
        """Return a patient; one whom the table does not have has nothing known of him.

        Raises:
            RecordError: the patient's row cannot be used.
        """
        found = self._found.get(subject, _NOBODY)
        if isinstance(found, RecordError):
            raise found
        return found


_NOBODY = Person(None, None, None, None, None)


def read_people(file: Path) -> People:
    """Return the patients of a table; some 60 bytes each are kept.

    Raises:
        InputError: it is unreadable or lacks a column.
    """
    header, rows = tables.open_table(file)
    tables.require(header, _COLUMNS, file.name)
    found: dict[str, Person | RecordError] = {}
    for _, row in rows:
        subject = cells.text(row, "subject_id") or ""
        try:
            tables.check_width(row, header)
            found[subject] = Person(
                cells.text(row, "gender"),
                cells.number(row, "anchor_age"),
                cells.number(row, "anchor_year"),
                cells.text(row, "anchor_year_group"),
                cells.moment(row, "dod", shifted=True),
            )
        except RecordError as error:
            found[subject] = error
    return People(found)
