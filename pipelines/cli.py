"""Command line of the pipelines."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--source", default="", help="A source in ingest/sources/; empty: the task's own.")
@click.option("--path", default="", help="Manifest, table or folder; empty: the task's own.")
def main(task: str, config: str, overrides: str, source: str, path: str, *, debug: bool) -> None:
    """Run a task from raw files to an evaluated, registered candidate."""
    with reported_errors(debug=debug):
        from components.core.config.task import load_task
        from pipelines import run

        run.pipeline(load_task(task, config=config, overrides=overrides, source=source, path=path))
