"""An inspection for people at a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from components.ingest.inspection.facts import Column, Inspection, Recognised, Refused

# Of several lead orders or rates, the most frequent are listed.
_LISTED = 4
# A pipe or a log has no width of its own; narrower would break the lists of leads.
_PLAIN_WIDTH = 160


def show(found: Inspection) -> None:
    """Print the inspection to standard output as tables."""
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    for line in _head(found):
        console.print(line, markup=False, highlight=False)
    tables = (_extensions(found), _recognised(found), _embeddings(found), _columns(found),
              _refused(found))  # fmt: skip
    for table in tables:
        if table.row_count:
            console.print(table)
    if found.declaration:
        head = f"to declare under ingest.options.{found.source}, once it says what you know:"
        console.print(f"{head}\n{found.declaration}", markup=False, highlight=False)
    for problem in found.problems:
        console.print(f"note: {problem}", markup=False, highlight=False)


def _head(found: Inspection) -> list[str]:
    if found.what != "table":
        return [f"{found.what}, source {found.source}; nothing was written"]
    patients = "patients unknown" if found.patients is None else f"{found.patients:,} patients"
    labels = ", ".join(f"{count:,} with label {name}" for name, count in found.labels.items())
    times = ", ".join(f"{name} in {count:,}" for name, count in found.times.items())
    media = ", ".join(f"{name} in {count:,}" for name, count in found.media.items())
    return [
        f"table, source {found.source}; nothing was written",
        f"{found.records:,} records, {patients}; {found.event_patients:,} patients with an event",
        f"labels: {labels or 'none'}; times: {times or 'none'}",
        *(
            [f"{'embeddings' if found.embeddings else 'pictures and sounds'}: {media}"]
            if media
            else []
        ),
    ]


def _grid(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", highlight=False)
    for name in names:
        table.add_column(name)
    return table


def _extensions(found: Inspection) -> Table:
    table = _grid("files", "extension", "files", "opened", "beside a WFDB header")
    for each in found.extensions:
        cells = (each.files, each.inspected, each.companions or "")
        table.add_row(each.extension or "(none)", *map(str, cells))
    return table


def _recognised(found: Inspection) -> Table:
    table = _grid(
        "formats", "reader", "files", "rate [Hz]", "leads", "pixels", "seconds", "to be declared"
    )
    for each in found.recognised:
        table.add_row(*_format_cells(each))
    return table


def _format_cells(each: Recognised) -> tuple[str, ...]:
    seconds = ""
    if each.seconds is not None:
        least, middle, most = each.seconds
        seconds = f"{least:g}" if least == most else f"{least:g} to {most:g}, median {middle:g}"
    needs = ", ".join(f"{name} ({count})" for name, count in each.needs.items())
    fs, leads, pixels = map(_list, (each.fs, each.leads, each.pixels))
    return (each.reader, str(each.files), fs, leads, pixels, seconds, needs)


def _list(counts: dict[str, int]) -> str:
    lines = [f"{name} ({count})" for name, count in list(counts.items())[:_LISTED]]
    more = [f"and {len(counts) - _LISTED} others"] if len(counts) > _LISTED else []
    return "\n".join([*lines, *more])


def _embeddings(found: Inspection) -> Table:
    table = _grid("HDF5 files", "file", "data set", "type", "shape", "what ids look like", "note")
    for each in found.embeddings:
        shape = " × ".join(map(str, each.shape))
        note = each.problem or ("several rows of one id" if each.repeated else "")
        table.add_row(each.file, each.name, each.kind, shape, _list(each.ids), note)
    return table


def _columns(found: Inspection) -> Table:
    table = _grid("columns", "name", "type", "missing", "different values", "use")
    for each in found.columns:
        table.add_row(*_column_cells(each))
    return table


def _column_cells(each: Column) -> tuple[str, ...]:
    return (each.name, each.kind, f"{each.missing:.1%}", each.distinct, each.use or "not used")


def _refused(found: Inspection) -> Table:
    table = _grid("refused", "what", "reason", "count", "rows", "advice")
    for each in found.refused:
        table.add_row(*_refused_cells(each))
    return table


def _refused_cells(each: Refused) -> tuple[str, ...]:
    rows = ", ".join(map(str, each.rows)) + (" …" if len(each.rows) < each.count else "")
    where = "\n".join([rows if each.rows else "", *each.names]).strip()
    return (each.what or "(none)", each.code, str(each.count), where, each.advice)
