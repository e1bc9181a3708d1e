"""The SQL of the source: one text for DuckDB and for PostgreSQL."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
SOURCES = ("prescriptions", "procedures", "labs", "microbiology", "ingredients")
# A number as text without zeros at its end: both engines write decimals alike, not doubles.
_NUMBER = "rtrim(rtrim(cast(cast({} as decimal(24, 4)) as varchar), '0'), '.')"
_NUMBERS = {
    "lower": "l.ref_range_lower",
    "upper": "l.ref_range_upper",
    "value": "e.value",
    "amount": "e.amount",
    "rate": "e.rate",
}


def stays() -> str:
    """Return the statement of all stays; `$minutes` from ICU admission to the prediction."""
    return _text("stays")


def events(*, collation: str) -> str:
    """Return the statement of all events of the stays that are kept, in order.

    Args:
        collation: clause that orders texts by their bytes.
    """
    numbers = {name: _NUMBER.format(column) for name, column in _NUMBERS.items()}
    each = [_text(name) for name in SOURCES]
    for name, number in numbers.items():
        each = [text.replace(f"{{{name}}}", number) for text in each]
    found = _text("events").replace("{union}", "\nunion all\n".join(each))
    return found.replace("{stays}", stays()).replace("{collation}", collation)


@lru_cache
def _text(name: str) -> str:
    lines = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))
