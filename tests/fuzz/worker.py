"""The process that reads the damaged inputs, under limits of memory and time.

It says in a shared file which input it is at, so that whoever started it knows what killed it.
"""

from __future__ import annotations

import json
import mmap
import random
import resource
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.fuzz.mutate import Mutated, mutate
from tests.fuzz.seeds import Seed
from tests.fuzz.targets import Finding, Target, contents, targets

# Beside what the process holds when it starts. The largest input has 400 kB; the wfdb package's
# own working form of a compressed record may take a few hundred times its file.
ALLOWANCE_BYTES = 1 << 30
# CPU seconds for one input; the slowest valid seed takes a fiftieth.
SLOW_S = 2.0
_REPORT_EVERY = 50


def inputs(target: Target, seed: int, start: int) -> Iterator[tuple[int, Seed, Mutated]]:
    """Yield number, seed and damaged input, from number `start` on; the same for the same seed."""
    others = contents(target)
    number = start
    while True:
        rng = random.Random(f"{seed}/{target.name}/{number}")
        chosen = rng.choice(target.seeds)
        yield number, chosen, mutate(chosen, others, rng)
        number += 1


def limit_memory(allowance: int = ALLOWANCE_BYTES) -> None:
    """Let this process take no more than `allowance` bytes beside what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bound = pages * resource.getpagesize() + allowance
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def timed(target: Target, seed: Seed, mutated: Mutated) -> Finding | None:
    """Return the target's finding, or that it took too long."""
    start = time.process_time()
    finding = target.judge(seed, mutated)
    if finding is None and time.process_time() - start > SLOW_S:
        return Finding(kind="slow", what=f"more than {SLOW_S:g} s")
    return finding


def work(target: Target, seed: int, start: int, stop: int, beacon: Path) -> None:
    """Read inputs `start` to `stop`, one JSON line for each finding and every few inputs."""
    for each in target.seeds:  # what is imported on first use comes before the limit
        target.judge(each, Mutated(files=each.files, kinds=(), file=each.main))
    limit_memory()
    with beacon.open("r+b") as stream, mmap.mmap(stream.fileno(), 8) as place:
        for number, chosen, mutated in inputs(target, seed, start):
            if number >= stop:
                break
            place[:] = struct.pack("<q", number)
            finding = timed(target, chosen, mutated)
            if finding is not None:
                _say({"n": number, "kind": finding.kind, "what": finding.what})
            elif number % _REPORT_EVERY == 0:
                _say({"n": number})
    _say({"n": stop, "end": True})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(known: Mapping[str, Callable[[], Target]]) -> None:
    """Work on the target that the command line names."""
    name, seed, start, stop, beacon = sys.argv[1:]
    work(known[name](), int(seed), int(start), int(stop), Path(beacon))


if __name__ == "__main__":
    main(targets())
