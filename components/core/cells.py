"""Reading single cells of a hospital's table: every failure names field and value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from components.core.errors import RecordError, quoted
from components.core.schemas import PARTS

Kind = Literal["numeric", "categorical"]
# What tables write where nothing is known; anything else unreadable is refused, not guessed.
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "None", "."})


def text(row: Mapping[str, str | None], name: str) -> str | None:
    """Return a cell's text without outer blanks, or None where it is missing."""
    value = (row.get(name) or "").strip()
    return None if value in MISSING else value


def required(row: Mapping[str, str | None], name: str) -> str:
    """Return a cell that must be there."""
    value = text(row, name)
    if value is None:
        raise RecordError(
            "missing_value", f"the column '{name}' is empty", field=name, advice="fill it in"
        )
    return value


def number(row: Mapping[str, str | None], name: str, *, decimal: str = ".") -> float | None:
    """Return a cell as a finite number, or None where it is missing."""
    value = text(row, name)
    if value is None:
        return None
    plain = value.replace(decimal, ".") if decimal != "." else value
    try:
        found = float(plain)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise RecordError(
            "not_a_number",
            f"the column '{name}' holds no number",
            field=name,
            value=quoted(value),
            advice="correct the cell, or declare the column as categorical",
        )
    return found


def label(row: Mapping[str, str | None], name: str, *, decimal: str = ".") -> int | None:
    """Return 0, 1 or None; anything else is refused."""
    value = number(row, name, decimal=decimal)
    if value is None:
        return None
    if value not in {0.0, 1.0}:
        raise RecordError(
            "label_not_binary",
            f"the label in '{name}' is neither 0 nor 1",
            field=name,
            value=quoted(text(row, name) or ""),
            advice="write 1 for the event, 0 for none, nothing for undetermined",
        )
    return int(value)


def moment(row: Mapping[str, str | None], name: str, *, shifted: bool = False) -> datetime | None:
    """Return a cell as a time without zone (ISO 8601; UTC where it has one); see `moments`."""
    return moments(row, name, shifted=shifted)[0]


def moments(
    row: Mapping[str, str | None], *names: str, shifted: bool = False
) -> tuple[datetime | None, ...]:
    """Return cells that will be compared as times without zone.

    Times with a zone become UTC. Beside a bare date they keep their own wall clock, since a date
    is a day where the patient was; a date reads as its midnight.

    Args:
        row: the cells.
        names: columns.
        shifted: the source shifts its dates, so that they may lie in the future (as in MIMIC-IV).

    Raises:
        RecordError: no ISO 8601 time, one in the future, or times with and without zone together.
    """
    texts = {name: text(row, name) for name in names}
    found = {
        name: _parsed(value, name, shifted=shifted)
        for name, value in texts.items()
        if value is not None
    }
    clocks = {name: each for name, each in found.items() if len(texts[name] or "") > _DATE_LENGTH}
    zoned = [name for name, each in clocks.items() if each.tzinfo is not None]
    if zoned and len(zoned) < len(clocks):
        raise RecordError(
            "zone_mixed",
            f"of {' and '.join(clocks)} only {' and '.join(zoned)} has a time zone",
            field=zoned[0],
            value=texts[zoned[0]],
            advice="give all times of a row a zone, or none",
        )
    keep = len(clocks) < len(found)
    return tuple(_without_zone(found.get(name), keep_clock=keep) for name in names)


# 2024-05-31 has no time of day; what is longer has one.
_DATE_LENGTH = 10


def _without_zone(value: datetime | None, *, keep_clock: bool) -> datetime | None:
    if value is None or value.tzinfo is None:
        return value
    return (value if keep_clock else value.astimezone(UTC)).replace(tzinfo=None)


def _parsed(value: str, name: str, *, shifted: bool) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise RecordError(
            "not_a_time",
            f"the column '{name}' holds no ISO 8601 time",
            field=name,
            value=quoted(value, time=True),
            advice="write 2024-05-31 or 2024-05-31T10:15:00",
        ) from None
    plain = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    if plain > datetime.now(UTC) and not shifted:
        raise RecordError(
            "future_time", f"the time in '{name}' lies in the future", field=name, value=value,
            advice="correct the date, or declare dates_shifted where the source shifts its dates",
        )  # fmt: skip
    return found


def split(row: Mapping[str, str | None], name: str) -> str | None:
    """Return a cell as train, val or test, or None where it is missing; anything else is refused.

    A misspelt part would otherwise drop its records from all three.
    """
    value = text(row, name)
    if value is not None and value not in PARTS:
        raise RecordError(
            "unknown_split", f"the column '{name}' names no split", field=name,
            value=quoted(value), advice=f"write one of {', '.join(PARTS)}",
        )  # fmt: skip
    return value


def unique(name: str, line: int, seen: dict[str, int], *, field: str) -> None:
    """Refuse a record id that an earlier line has; `seen` keeps the first line of each."""
    first = seen.setdefault(name, line)
    if first != line:
        raise RecordError(
            "duplicate_id",
            f"the {field} stands in row {first} already",
            field=field,
            advice=f"give every row its own {field}",
        )


def features(
    row: Mapping[str, str | None], declared: Mapping[str, Kind], *, decimal: str = "."
) -> dict[str, float | str | None]:
    """Return the declared tabular features of a row."""
    return {
        name: number(row, name, decimal=decimal) if kind == "numeric" else text(row, name)
        for name, kind in declared.items()
    }
