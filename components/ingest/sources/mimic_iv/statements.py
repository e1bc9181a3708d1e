"""The SQL of the source: one text for DuckDB and for PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from components.core.data.mimic_iv_tables import Table

_FOLDER = Path(__file__).parent / "sql"
SOURCES = ("prescriptions", "procedures", "labs", "microbiology", "ingredients")
# A number as text without zeros at its end: both engines write decimals alike, not doubles. What no
# device measures does not fit into one, and is left out.
_NUMBER = (
    "case when abs({0}) < 1e15 "
    "then rtrim(rtrim(cast(cast({0} as decimal(24, 4)) as varchar), '0'), '.') end"
)
_NUMBERS = {
    "lower": "l.ref_range_lower",
    "upper": "l.ref_range_upper",
    "value": "e.value",
    "amount": "e.amount",
    "rate": "e.rate",
}
# A bare date on the day of admission is none before it, unless the row was stored before.
_DATED = (
    "coalesce(t.charttime, case when t.chartdate < s.first_time "
    "and t.chartdate >= date_trunc('day', s.first_time) "
    "and (t.storetime is null or t.storetime >= s.first_time) "
    "then s.first_time else t.chartdate end)"
)
# Of those whose time is no plain column: time, and from when a row is known.
_TIMES = {
    "microbiologyevents": (
        _DATED,
        "coalesce(t.storetime, t.storedate + interval '1 day', t.charttime, "
        "t.chartdate + interval '1 day')",
    ),
    "labevents": ("t.charttime", "greatest(t.charttime, t.storetime)"),
}
_STOPS = ("stoptime", "endtime")


def stays() -> str:
    """Return the statement of all stays; `$minutes` from ICU admission to the prediction."""
    return _text("stays")


def stays_in_order() -> str:
    """Return the statement of all stays in the order of their ids."""
    return f"{stays()} order by stay_id, subject_id, hadm_id"


def events(*, collation: str, every: str = "") -> str:
    """Return the statement of all events of the stays that are kept, in order.

    Args:
        collation: clause that orders texts by their bytes.
        every: statement of the stays in the place of `stays`, with its columns.
    """
    numbers = {name: _NUMBER.format(column) for name, column in _NUMBERS.items()}
    each = [_filled(_text(name), numbers) for name in SOURCES]
    return _filled(
        _text("events"),
        {"union": "\nunion all\n".join(each), "stays": every or stays(), "collation": collation},
    )


def rows_of(table: Table, *, unreadable: str) -> str:
    """Return the statement that counts what the rows of a table of events come to.

    Args:
        table: one with a time.
        unreadable: condition of a row `t` whose time is written, and is no time.
    """
    time, known = _TIMES.get(table.name, (f"t.{table.time}", f"t.{table.time}"))
    stop = next((name for name in _STOPS if name in table.columns), "")
    return _filled(
        _text("tables"),
        {
            "table": table.qualified,
            "key": "hadm_id" if "hadm_id" in table.columns else "subject_id",
            "time": time,
            "known": known,
            "unreadable": unreadable,
            "stop": f"t.{stop} < {time}" if stop else "false",
            "stays": stays(),
        },
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@lru_cache
def _text(name: str) -> str:
    lines = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))
