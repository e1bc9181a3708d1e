"""Starts the reading process again and again, watches it, and keeps what is found."""

from __future__ import annotations

import json
import os
import queue
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import Finding, targets
from tests.fuzz.worker import inputs

ROOT = Path(__file__).resolve().parents[2]
# Wall-clock seconds on one input after which the process is ended; two cores may be shared by five.
HANG_S = 30.0
_POLL_S = 0.2
# Inputs of one fault that are kept; the others are counted.
_KEPT = 3


@dataclass
class Tally:
    """How far a target's fuzzing has come.

    Attributes:
        inputs: read so far.
        found: finding → numbers of the inputs that showed it.
    """

    inputs: int = 0
    found: dict[Finding, list[int]] = field(default_factory=dict[Finding, list[int]])

    def add(self, finding: Finding, number: int) -> None:
        """Count a finding."""
        self.found.setdefault(finding, []).append(number)


def fuzz(
    name: str, *, seed: int, start: int = 0, count: int = 1 << 62, seconds: float = 1e12,
    told: Callable[[Tally], None] = lambda tally: None, hang_s: float = HANG_S,
    worker: str = "tests.fuzz.worker",
) -> Tally:  # fmt: skip
    """Read damaged inputs of one target until a number or a time is reached.

    Args:
        name: of the target.
        seed: of all damage.
        start: number of the first input.
        count: how many inputs.
        seconds: how long at most.
        told: called with the tally now and then.
        hang_s: seconds on one input after which it counts as a hang.
        worker: module that reads them, a process of its own.
    """
    tally, number, stop = Tally(), start, start + count
    deadline = time.monotonic() + seconds
    while number < stop and time.monotonic() < deadline:
        with _process(worker, name, seed, number, stop) as child:
            number = _watch(child, tally, number, deadline, told, hang_s)
            tally.inputs = number - start
    return tally


@dataclass
class _Child:
    """A reading process, its lines and the number of the input it is at."""

    process: subprocess.Popen[str]
    lines: queue.Queue[str | None]
    beacon: Path

    def at(self) -> int:
        """Return the number of the input being read, -1 before the first."""
        return int(struct.unpack("<q", self.beacon.read_bytes())[0])


@contextmanager
def _process(worker: str, name: str, seed: int, start: int, stop: int) -> Iterator[_Child]:
    with tempfile.TemporaryDirectory() as folder:
        beacon = Path(folder) / "at"
        beacon.write_bytes(struct.pack("<q", -1))
        arguments = [name, *map(str, (seed, start, stop)), str(beacon)]
        process = subprocess.Popen(
            [sys.executable, "-m", worker, *arguments],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": folder},
        )  # fmt: skip
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
        reader.start()
        try:
            yield _Child(process, lines, beacon)
        finally:
            process.kill()
            process.wait()
            reader.join()


def _collect(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _watch(
    child: _Child, tally: Tally, number: int, deadline: float,
    told: Callable[[Tally], None], hang_s: float,
) -> int:  # fmt: skip
    """Follow a process to its end and return the number to go on with."""
    before, last, moved = tally.inputs - number, -1, time.monotonic()
    while True:
        line = _next(child.lines)
        said = json.loads(line) if line else {}
        if "kind" in said:
            tally.add(Finding(kind=said["kind"], what=said["what"]), said["n"])
        if "end" in said:
            return int(said["n"])
        now, at = time.monotonic(), child.at()
        tally.inputs = before + max(at, number)
        told(tally)
        if at != last:
            last, moved = at, now
        if now >= deadline:
            return max(at, number)
        if line is None:
            return _ended(child, tally, at, number)
        if now - moved > hang_s and at >= 0:
            tally.add(Finding(kind="hang", what=f"more than {hang_s:g} s"), at)
            return at + 1


def _next(lines: queue.Queue[str | None]) -> str | None:
    """Return the next line, an empty one when there is none yet, None at the end."""
    try:
        return lines.get(timeout=_POLL_S)
    except queue.Empty:
        return ""


def _ended(child: _Child, tally: Tally, at: int, number: int) -> int:
    status = child.process.wait()
    if at < number:
        raise RuntimeError(f"the reading process ended with {status} before its first input")
    tally.add(Finding(kind="crash", what=f"status {status}"), at)
    return at + 1


def save(folder: Path, name: str, seed: int, tally: Tally) -> list[str]:
    """Write the inputs behind each finding and return how to see each again."""
    told: list[str] = []
    for finding, numbers in sorted(tally.found.items(), key=lambda pair: str(pair[0])):
        for number in numbers[:_KEPT]:
            place = folder / f"{name.replace(':', '-')}-{seed}-{number}"
            _write(place, name, seed, number, finding)
        told.append(
            f"{name}: {finding.kind}: {finding.what} ({len(numbers)} inputs); again with "
            f"python -m tests.fuzz --reader {name} --seed {seed} --only {numbers[0]}"
        )
    return told


def _write(place: Path, name: str, seed: int, number: int, finding: Finding) -> None:
    place.mkdir(parents=True, exist_ok=True)
    _, chosen, mutated = next(inputs(targets()[name](), seed, number))
    for file, content in mutated.files.items():
        (place / file).write_bytes(content)
    text = f"{finding.kind}: {finding.what}\nseed file: {chosen.name}\nmain file: {chosen.main}\n"
    done = f"{', '.join(mutated.kinds)} (last in {mutated.file})"
    (place / "finding.txt").write_text(f"{text}damage: {done}\n", encoding="utf-8")
