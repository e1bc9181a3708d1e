"""`python -m tests.fuzz`: fuzz readers, sources and archives for as long as one likes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.runner import Tally, fuzz, save
from tests.fuzz.targets import targets
from tests.fuzz.worker import inputs


@click.command()
@click.option("--minutes", default=30.0, show_default=True, help="For all targets together.")
@click.option("--reader", default="", help="A reader, 'source:NAME' or 'zip'; empty: all.")
@click.option("--seed", default=0, show_default=True, help="The same seed, the same inputs.")
@click.option("--start", default=0, show_default=True, help="Number of the first input.")
@click.option("--only", type=int, help="Read this one input here, under a debugger if need be.")
@click.option("--save", "folder", default="build/fuzz", show_default=True, help="For findings.")
def main(minutes: float, reader: str, seed: int, start: int, only: int | None, folder: str) -> None:
    """Damage valid files and read them; exit status 1 when something is found."""
    known = targets()
    if reader and reader not in known:
        raise click.UsageError(f"there is no target '{reader}'; known are: {', '.join(known)}")
    names = [reader] if reader else list(known)
    if only is not None:
        sys.exit(_one(names[0], seed, only))
    seconds = minutes * 60 / len(names)
    found = [line for name in names for line in _all(name, seed, start, seconds, Path(folder))]
    for line in found:
        click.echo(line)
    if found:
        click.echo(f"the inputs lie in {folder}")
    sys.exit(bool(found))


def _one(name: str, seed: int, number: int) -> int:
    target = targets()[name]()
    _, chosen, mutated = next(inputs(target, seed, number))
    click.echo(f"{chosen.name}: {', '.join(mutated.kinds)} in {mutated.file}")
    finding = target.judge(chosen, mutated)
    click.echo("nothing found" if finding is None else f"{finding.kind}: {finding.what}")
    return int(finding is not None)


def _all(name: str, seed: int, start: int, seconds: float, folder: Path) -> list[str]:
    columns = (
        TextColumn("{task.description}"), BarColumn(),
        TextColumn("{task.fields[inputs]:,} inputs, {task.fields[rate]:,.0f}/s, "
                   "{task.fields[found]} faults"),
        TimeRemainingColumn(),
    )  # fmt: skip
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=seconds, inputs=0, rate=0.0, found=0)

        def show(tally: Tally) -> None:
            took = time.monotonic() - began
            bar.update(task, completed=took, inputs=tally.inputs, found=len(tally.found),
                       rate=tally.inputs / took)  # fmt: skip

        tally = fuzz(name, seed=seed, start=start, seconds=seconds, told=show)
        show(tally)
    took = time.monotonic() - began
    click.echo(f"{name}: {tally.inputs:,} inputs, {tally.inputs / took:,.0f}/s, "
               f"{len(tally.found)} faults")  # fmt: skip
    return save(folder, name, seed, tally)


if __name__ == "__main__":
    main()
