"""The columns of a table: type, missing values, what they would be used for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from components.core import cells, tables
from components.core.errors import InputError
from components.ingest.inspection.facts import Column
from components.ingest.sources.manifest import COLUMNS

# Counting further would tell categories from free text no better.
_MOST_DISTINCT = 50
# A longer name of a column is a sentence, or a patient's data in a file without header.
_LONGEST_NAME = 64
_SEPARATORS = ",;\t|"


class _Counter:
    """What is seen of one column."""

    def __init__(self) -> None:
        self.rows = self.missing = self.numbers = self.times = 0
        self.values: set[int] = set()

    def add(self, value: str | None) -> None:
        self.rows += 1
        if value is None:
            self.missing += 1
            return
        self.numbers += _is_number(value)
        self.times += _is_time(value)
        if len(self.values) < _MOST_DISTINCT:
            self.values.add(hash(value))

    def column(self, name: str, use: str) -> Column:
        many = len(self.values) >= _MOST_DISTINCT
        return Column(
            name=name,
            kind=self._kind(),
            missing=self.missing / self.rows if self.rows else 0.0,
            distinct=f"{_MOST_DISTINCT}+" if many else str(len(self.values)),
            use=use,
        )

    def _kind(self) -> str:
        there = self.rows - self.missing
        if there == 0:
            return "empty"
        if self.numbers == there:
            return "numeric"
        return "time" if self.times == there else "text"


def _is_number(value: str) -> bool:
    try:
        float(value.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def inspect_columns(path: Path, options: dict[str, Any]) -> tuple[tuple[Column, ...], list[str]]:
    """Return a table's columns and what is wrong with it.

    Args:
        path: of the table.
        options: of the source, as the task file has them; they need not be valid.
    """
    problems: list[str] = []
    separator = str(options.get("separator", ","))
    try:
        header, rows = tables.open_table(path, separator=separator)
    except InputError as error:
        problems.append(str(error))
        found = _other_separator(path, separator)
        if not found:
            return (), problems
        problems.append(
            f"the first line looks separated by {found!r}; save it "
            f"with {separator!r}, or declare 'separator' where the source has this option"
        )
        header, rows = tables.open_table(path, separator=found)
    counters = [_Counter() for _ in header]
    for row in _readable(rows, problems):
        for name, counter in zip(header, counters, strict=True):
            counter.add(cells.text(row, name))
    if _looks_like_data(header):
        problems.append("the first line looks like data, not like names; put a header above it")
        return _numbered(counters), problems
    uses = [_use(name, options) for name in header]
    made = zip(counters, header, uses, strict=True)
    return tuple(counter.column(name, use) for counter, name, use in made), problems


def _readable(rows: Iterator[tuple[int, tables.Row]], problems: list[str]) -> Iterator[tables.Row]:
    try:
        yield from (row for _, row in rows)
    except InputError as error:
        problems.append(str(error))


def _other_separator(path: Path, separator: str) -> str:
    """Return the mark that the first line holds most of, empty when it holds none."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            line = stream.readline()
    except (UnicodeDecodeError, OSError):
        return ""
    best = max(_SEPARATORS, key=line.count)
    usable = best != separator and line.count(best) > 0
    names = line.rstrip("\r\n").split(best)
    return best if usable and len(set(names)) == len(names) else ""


def _looks_like_data(header: list[str]) -> bool:
    plain = [name.strip() for name in header]
    return any(
        len(name) > _LONGEST_NAME or (name != "" and (_is_number(name) or _is_time(name)))
        for name in plain
    )


def _numbered(counters: list[_Counter]) -> tuple[Column, ...]:
    return tuple(c.column(f"column {number}", "") for number, c in enumerate(counters, 1))


def _use(name: str, options: dict[str, Any]) -> str:
    """Return what a column would be taken for, by the source's options or a manifest's names."""
    kinds = options.get("tabular") or {}
    if name in kinds:
        return f"feature ({kinds[name]})"
    named = [key for key, value in _texts(options) if value == name]
    return named[0] if named else (name if name in COLUMNS else "")


def _texts(options: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the options that are texts, those within others under `outer.inner`."""
    for key, value in options.items():
        if isinstance(value, dict):
            yield from _texts(cast("dict[str, Any]", value), f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", value
