"""Times to event in the layouts that survival data come in.

*Days*: `event_time_days`, `followup_days`, `death_days`. *Long*: one time and one code, 0 censored,
1 event, 2 competing death (as in Fine and Gray, JASA 1999;94:496-509, and R's `cmprsk`). *Wide*:
the cumulative status at the ends of intervals. All become days from the index date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from components.core import cells, tables
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError, quoted

# Column → day on which its interval ends: immediate (30 days), 3, 6 and 12 months.
WIDE = {"event_immediate": 30.0, "event_3mo": 91.0, "event_6mo": 182.0, "event_12mo": 365.0}
FOLLOWUP = "last_followup_days"
LONG = ("time_days", "event")
DAYS = ("event_time_days", "followup_days", "death_days")


class SurvivalColumns(Frozen):
    """Which columns of a table hold the times to event; empty names are not there.

    Attributes:
        event_time_days: days to the event.
        followup_days: days to the last contact.
        death_days: days to death.
        time_days: days to what `event` says.
        event: 0 censored, 1 event, 2 death without it.
        wide: the columns of `WIDE` are there.
        last_followup: the column of the last contact beside those.
        decimal: decimal mark.
    """

    event_time_days: str = ""
    followup_days: str = ""
    death_days: str = ""
    time_days: str = ""
    event: str = ""
    wide: bool = False
    last_followup: str = ""
    decimal: str = Field(default=".", min_length=1, max_length=1)

    def needed(self) -> tuple[str, ...]:
        """Return the columns that the table must have."""
        plain = (self.event_time_days, self.followup_days, self.death_days, self.time_days,
                 self.event, self.last_followup)  # fmt: skip
        return (*[name for name in plain if name], *(WIDE if self.wide else ()))


@dataclass(frozen=True, kw_only=True)
class Times:
    """Days from the index date; None = did not happen, or is not known."""

    event: float | None = None
    followup: float | None = None
    death: float | None = None


@dataclass
class WideSeen:
    """What the rows of a wide table have shown so far: zeros, and cells left empty."""

    zeros: int = 0
    gaps: int = 0

    def check(self, columns: SurvivalColumns, name: str) -> None:
        """Refuse a wide table in which nothing tells the censored from the event-free.

        Raises:
            InputError: it has zeros, no column of the last contact and no empty cell.
        """
        if columns.wide and not columns.last_followup and self.zeros and not self.gaps:
            raise InputError(
                f"the table '{name}' has {self.zeros} zeros in {', '.join(WIDE)}, no empty cell "
                f"and no column {FOLLOWUP}: a zero means 'no event by then' and cannot say "
                f"'censored before then'; add {FOLLOWUP}, or leave the cells after the last "
                "contact empty"
            )


def columns_of(header: Sequence[str], name: str, *, event: str = "") -> SurvivalColumns:
    """Return the survival columns that a manifest's header has under their fixed names.

    Args:
        header: of the manifest.
        name: of the manifest, for errors.
        event: the column of codes, where it has another name.

    Raises:
        InputError: columns of two layouts, or some of one's columns without the others.
    """
    long = bool(event) or all(column in header for column in LONG)
    wide = [column for column in WIDE if column in header]
    plain = [column for column in DAYS[:2] if column in header]
    if event:
        tables.require(header, [LONG[0], event], name)
    if wide:
        tables.require(header, list(WIDE), name)
    found = [*([", ".join(LONG)] if long else []), *([", ".join(wide)] if wide else []), *plain[:1]]
    if len(found) > 1:
        raise InputError(
            f"the table '{name}' gives times to event twice ({' and '.join(found)}); keep one"
        )
    given = {column: column for column in DAYS if column in header}
    return SurvivalColumns(
        **given,
        time_days=LONG[0] if long else "",
        event=(event or LONG[1]) if long else "",
        wide=bool(wide),
        last_followup=FOLLOWUP if wide and FOLLOWUP in header else "",
    )


def read_times(
    row: tables.Row, columns: SurvivalColumns, seen: WideSeen, *, label: int | None = None
) -> Times:
    """Return a row's times to event, death and last contact.

    Args:
        row: the cells.
        columns: where they stand.
        seen: counts zeros and empty cells of wide rows.
        label: of the row, where `time_days` goes by it.

    Raises:
        RecordError: a time before the index date (`event_before_index`), a code that is none, a
            status that takes an event back (`not_monotone`), or parts that do not fit together.
    """

    def days(column: str) -> float | None:
        return _days(row, column, columns.decimal) if column else None

    death = days(columns.death_days)
    if columns.wide:
        return _wide(row, columns, seen, days(columns.last_followup), death)
    if columns.event:
        return _long(row, columns, days(columns.time_days), death)
    if columns.time_days:
        time = days(columns.time_days)
        return Times(event=time if label == 1 else None, followup=time, death=death)
    return Times(
        event=days(columns.event_time_days), followup=days(columns.followup_days), death=death
    )


def _days(row: tables.Row, column: str, decimal: str) -> float | None:
    value = cells.number(row, column, decimal=decimal)
    if value is not None and value < 0:
        raise before_index(column, value)
    return value


def before_index(column: str, value: float) -> RecordError:
    """Return the refusal of a time that lies before the index date."""
    return RecordError(
        "event_before_index",
        f"the time in '{column}' lies before the index date",
        field=column,
        value=f"{value:g}",
        advice="what was there before the index date is no event after it: leave the time empty "
        "and write 1 into the column prevalent, or correct the day",
    )


def _long(
    row: tables.Row, columns: SurvivalColumns, time: float | None, death: float | None
) -> Times:
    code = cells.number(row, columns.event, decimal=columns.decimal)
    if code is None and time is None:
        return Times(death=death)
    if code is None or time is None:
        empty = columns.event if code is None else columns.time_days
        raise RecordError(
            "missing_value", f"of {columns.time_days} and {columns.event} only one is there",
            field=empty, advice="fill in both, or neither",
        )  # fmt: skip
    if code not in {0.0, 1.0, 2.0}:
        raise RecordError(
            "event_code_unknown", f"the code in '{columns.event}' is neither 0, 1 nor 2",
            field=columns.event, value=quoted(cells.text(row, columns.event) or ""),
            advice="write 0 for censored, 1 for the event, 2 for death without it",
        )  # fmt: skip
    return Times(
        event=time if code == 1 else None,
        followup=time,
        death=time if code == 2 else death,
    )


def _wide(
    row: tables.Row,
    columns: SurvivalColumns,
    seen: WideSeen,
    followup: float | None,
    death: float | None,
) -> Times:
    status = {name: cells.label(row, name, decimal=columns.decimal) for name in WIDE}
    _check_monotone(status)
    happened = next((name for name, value in status.items() if value == 1), None)
    free = max((WIDE[name] for name, value in status.items() if value == 0), default=None)
    seen.zeros += sum(value == 0 for value in status.values())
    if happened is None:
        seen.gaps += sum(value is None for value in status.values())
        if columns.last_followup and followup is None and free is not None:
            raise RecordError(
                "missing_value", f"the row has no event and no {columns.last_followup}",
                field=columns.last_followup,
                advice="fill it in: a zero cannot say 'censored before then'",
            )  # fmt: skip
        return Times(followup=followup if columns.last_followup else free, death=death)
    event = WIDE[happened]
    if followup is not None and free is not None and followup < free:
        raise RecordError(
            "event_after_followup", f"'{happened}' dates the event after the last contact",
            field=columns.last_followup, value=f"{followup:g}", advice="correct either of them",
        )  # fmt: skip
    return Times(event=event, followup=event if followup is None else followup, death=death)


def _check_monotone(status: dict[str, int | None]) -> None:
    """Refuse an event that is taken back, and one whose interval is not known."""
    event = gap = ""
    for name, value in status.items():
        if value == 0:
            if event:
                raise _not_monotone(f"'{event}' has the event and '{name}' has not", name)
            gap = ""
        elif value == 1:
            if gap and not event:
                raise _not_monotone(f"'{name}' has the event and '{gap}' is empty", name)
            event = event or name
        elif not event:
            gap = name


def _not_monotone(reason: str, name: str) -> RecordError:
    return RecordError(
        "not_monotone",
        reason,
        field=name,
        advice="each column says whether the event has happened by then: once 1 it stays 1, and "
        "empty means not followed so far",
    )
