"""Run benchmarks: `python -m benchmarks [names] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import machine, table
from benchmarks.harness.measure import measure
from benchmarks.harness.row import Row, named
from components.core.errors import CardioError, ConfigError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
# Three repeats give a median; quick runs only show that everything works.
REPEATS = 3
_HOW = (
    "Every figure is a ratio in one run on one machine; absolute times elsewhere will differ. Ours "
    "and the peer take turns in fresh processes, three times each, and the median counts. Growth "
    "is the slope of log time on log size over three sizes, 1×, 4× and 16× (1 is linear, 0 "
    "constant). Peak memory is of the whole process tree at those sizes, without mapped files. "
    "Written by `python -m benchmarks --write`; a part of it: `python -m benchmarks NAME`; a try: "
    "`--quick`."
)


def main(arguments: list[str]) -> int:
    """Run the named rows and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="rows to run; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repeat")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args(arguments)
    try:
        if options.write and (options.names or options.quick):
            raise ConfigError(
                "--write takes no names and no --quick; the page is one whole run on one machine"
            )
        return _run(named(options.names), quick=options.quick, write=options.write)
    except CardioError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status


def _run(rows: list[Row], *, quick: bool, write: bool) -> int:
    before = machine.load()
    lines: list[tuple[str, ...]] = []
    notes: dict[str, list[str]] = {}
    for row in rows:
        found = measure(row, quick=quick, repeats=1 if quick else REPEATS, say=_say)
        fresh = table.lines(row, found, quick=quick)
        notes[row.name] = table.notes(row, found)
        lines += fresh
        print(table.plain(fresh), *notes[row.name], sep="\n", end="\n\n", flush=True)
    if write:
        PAGE.write_text(page(lines, notes, load=before), encoding="utf-8")
        print(f"wrote {PAGE.name}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def page(lines: list[tuple[str, ...]], notes: dict[str, list[str]], *, load: str) -> str:
    """Return the text of `docs/benchmarks.md`."""
    facts = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}",
        f"- Machine: {machine.machine()}",
        f"- Versions: {machine.versions()}",
        f"- Load average over 1 and 5 minutes before the run: {load}; after it: {machine.load()}",
    ]
    told = [f"**{name}**\n\n" + "\n".join(f"- {n}" for n in own) for name, own in notes.items()]
    parts = ["# Benchmarks", _HOW, "\n".join(facts), table.markdown(lines), "## Notes", *told]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
