"""The form of a row: what is done, by whom, at which sizes, and what is compared."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import benchmarks
from components.core.errors import ConfigError, nearest

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one side came to.

    Attributes:
        seconds: wall time of the measured part.
        units: how many units of the row's work it did in that time; a slow peer may do fewer than
            the whole and is then extrapolated.
        result: something that both sides of a comparison must agree on, or None.
        facts: further figures in words, for the row's notes.
    """

    seconds: float
    units: int
    result: Values | None = None
    facts: dict[str, str] = field(default_factory=dict[str, str])


Side = Callable[[Path, int], Outcome]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One line of the table.

    Attributes:
        work: what is done; `{size}` stands for the largest size.
        ours: name of our side.
        other: name of the peer's side; empty where there is none.
        peer: what the peer is, in words.
        ratio: how many times faster ours is to be; None for a line without that aim.
        limit_s: seconds that ours is to stay within; None for a line without that aim.
        memory: how many times less memory ours is to take at its peak; None as above.
        tolerance: largest difference between the two results.
    """

    work: str
    ours: str
    other: str = ""
    peer: str = "—"
    ratio: float | None = None
    limit_s: float | None = None
    memory: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A benchmark.

    Attributes:
        name: of the file.
        unit: what the work is counted in, plural.
        sizes: 1×, 4× and 16×.
        quick: the same, small enough to try the code.
        prepare: writes the inputs of a size into a folder; not timed.
        work: units of the whole work at a size.
        sides: name → function of folder and size, run in a fresh process.
        comparisons: the lines of the table.
        notes: sentences that belong to the figures.
    """

    name: str
    unit: str
    sizes: tuple[int, int, int]
    quick: tuple[int, int, int]
    prepare: Callable[[Path, int], None]
    work: Callable[[int], int]
    sides: dict[str, Side]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def rows_by_name() -> dict[str, Row]:
    """Return the `ROW` of every module beside this folder, by name."""
    found: dict[str, Row] = {}
    for info in pkgutil.iter_modules(benchmarks.__path__):
        if info.ispkg or info.name.startswith("_"):
            continue
        row = getattr(importlib.import_module(f"{benchmarks.__name__}.{info.name}"), "ROW", None)
        if isinstance(row, Row):
            found[row.name] = row
    return found


def named(names: list[str]) -> list[Row]:
    """Return the named rows, or all of them.

    Raises:
        ConfigError: there is no such row.
    """
    known = rows_by_name()
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no benchmark '{name}'; {nearest(name, known)}")
    return [known[name] for name in names or known]
