"""Long simulations that can be stopped and gone on with: one line of a file for every job."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from components.core.progress import progress
from components.core.versions import library_versions
from scripts.marks import write_between


class Job(Protocol):
    """What is computed at a time."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what tells it from the others, as JSON can hold it."""
        ...


J = TypeVar("J", bound=Job)
Bounds = dict[str, Any]


def simulate(
    jobs: Iterable[J],
    file: Path,
    bounds: Callable[[J], Bounds],
    *,
    processes: int,
    name: str,
    unit: str,
) -> None:
    """Append what `bounds` makes of every job that `file` lacks."""
    known = read(file)
    # A line that a kill cut short is written anew.
    file.write_text("".join(json.dumps(row) + "\n" for row in known), encoding="utf-8")
    done = {tuple(row["key"]) for row in known}
    missing = [job for job in jobs if job.key not in done]
    with progress(name, len(missing), unit) as advance, file.open("a") as out:
        for job, found in zip(missing, _mapped(missing, bounds, processes), strict=True):
            out.write(json.dumps({"key": job.key, "bounds": found}) + "\n")
            out.flush()
            advance(1)


def _mapped(jobs: Sequence[J], bounds: Callable[[J], Bounds], processes: int) -> Iterator[Bounds]:
    if processes == 1:
        yield from map(bounds, jobs)
        return
    # One thread each: the processes share the cores among them.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(bounds, jobs)


def read(file: Path) -> list[dict[str, Any]]:
    """Return the lines of `file`; none where it is absent. A last line cut short is left out."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def rewrite(page: Path, draws: int, lines: Sequence[str]) -> None:
    """Rewrite what stands between the marks of a page, with date and versions above it."""
    versions = ", ".join(f"{k} {v}" for k, v in library_versions(("numpy", "scipy")).items())
    told = f"{datetime.now(UTC):%Y-%m-%d}; {versions}; {draws:,} draws."
    write_between(page, "figures", [told, "", *lines])
