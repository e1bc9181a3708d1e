"""Measure a row: sides take turns in fresh processes, the median counts, memory apart."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness.memory import peak_while
from benchmarks.harness.row import Row
from components.core.errors import CardioError

ROOT = Path(__file__).resolve().parents[2]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of one side.

    Attributes:
        seconds: per size, of the whole work; medians.
        spread: per size, slowest minus fastest repeat over the median.
        peak: per size, bytes of the process tree.
        facts: of the largest size's last repeat.
    """

    seconds: tuple[float, ...]
    spread: tuple[float, ...]
    peak: tuple[int, ...]
    facts: dict[str, str]


def exponent(sizes: tuple[int, ...], seconds: tuple[float, ...]) -> float:
    """Return the slope of log time on log size by least squares: 1 is linear, 0 constant."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure(row: Row, *, quick: bool, repeats: int, say: Say) -> dict[str, Measured]:
    """Return the figures of every side of a row."""
    sizes = row.quick if quick else row.sizes
    times: dict[str, list[list[float]]] = {side: [] for side in row.sides}
    peaks: dict[str, list[int]] = {side: [] for side in row.sides}
    facts: dict[str, dict[str, str]] = {side: {} for side in row.sides}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix=f"bench-{row.name}-") as name:
            folder = Path(name)
            say(f"{row.name}: {size:,} — preparing")
            run_child(row.name, "prepare", size, folder)
            for side in row.sides:
                times[side].append([])
            for repeat in range(repeats):
                say(f"{row.name}: {size:,} — {repeat + 1} of {repeats}")
                for side in row.sides:  # taking turns: a drifting machine hits all of them
                    seconds, found, _ = run_side(row, side, size, folder)
                    times[side][-1].append(seconds)
                    facts[side] = found
            for side in row.sides:
                peaks[side].append(run_side(row, side, size, folder, memory=True)[2])
    return {
        side: Measured(
            seconds=tuple(statistics.median(each) for each in times[side]),
            spread=tuple((max(s) - min(s)) / statistics.median(s) for s in times[side]),
            peak=tuple(peaks[side]),
            facts=facts[side],
        )
        for side in row.sides
    }


def run_side(
    row: Row, side: str, size: int, folder: Path, *, memory: bool = False
) -> tuple[float, dict[str, str], int]:
    """Return seconds of the whole work, facts and peak bytes (0 unless asked for) of one run."""
    text, peak = run_child(row.name, side, size, folder, memory=memory)
    found = json.loads(text.strip().splitlines()[-1])
    return found["seconds"] / found["units"] * row.work(size), found["facts"], peak


def run_child(
    name: str, side: str, size: int, folder: Path, *, memory: bool = False
) -> tuple[str, int]:
    """Run a side in a fresh process and return its output and its peak memory.

    Raises:
        CardioError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.harness.child", name, side, str(size), str(folder)]
    # As every command of the project sets it: threads that spin at a barrier would wait for
    # whatever else runs on the machine. It holds for the peers too.
    surroundings = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        with subprocess.Popen(
            command, cwd=ROOT, stdout=out, text=True, env=surroundings
        ) as process:
            peak = peak_while(process) if memory else 0
            status = process.wait()
        out.seek(0)
        text = out.read()
    if status:
        raise CardioError(
            f"benchmark {name}, {side}, at {size} ended with status {status}; see the lines above"
        )
    return text, peak
