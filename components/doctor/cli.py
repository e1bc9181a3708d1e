"""Command line of `doctor`."""

from __future__ import annotations

import click

from components.core.command import reported_errors


@click.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(*, debug: bool) -> None:
    """Check versions, backends, disk and devices; exit status 2 when something is to be fixed."""
    with reported_errors(debug=debug):
        from rich.console import Console
        from rich.table import Table

        from components.doctor.run import diagnose

        table = Table("check", "", "found", "to fix", title="doctor")
        results = diagnose()
        for result in results:
            mark = "ok" if result.ok else "FIX"
            table.add_row(result.name, mark, result.found, result.fix)
        Console().print(table)
        if not all(result.ok for result in results):
            raise SystemExit(2)
