"""Run one side of one row in this process: `python -m benchmarks.harness.child ROW SIDE SIZE DIR`.

A fresh process per measurement: no side finds modules, thread pools or memory that another one
left behind. The last line it prints is the outcome as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from benchmarks.harness.row import Row


def main(name: str, side: str, size: str, folder: str) -> None:
    """Run the side, or `prepare`, and print the outcome."""
    # Only the row's own module: another row's imports would count as this one's memory.
    row: Row = importlib.import_module(f"benchmarks.{name}").ROW
    if side == "prepare":
        row.prepare(Path(folder), int(size))
        return
    outcome = row.sides[side](Path(folder), int(size))
    facts = {"seconds": outcome.seconds, "units": outcome.units, "facts": outcome.facts}
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
