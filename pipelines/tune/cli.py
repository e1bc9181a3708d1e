"""Command line of `tune`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--source", default="", help="A source in ingest/sources/; empty: the task's own.")
@click.option("--path", default="", help="Manifest, table or folder; empty: the task's own.")
@click.option("--trials", default="", help="How many are finished in all, by all workers.")
@click.option("--minutes", default="", help="No new trial after this time.")
@click.option("--workers", default="", help="Processes on this machine.")
@click.option("--storage", default="", help="URL of a PostgreSQL server that machines share.")
@click.option("--study", default="", help="Name of the study; empty: one made from the settings.")
@click.option("--nested", default="", help="true or false; empty: where the split has folds.")
def main(
    task: str, config: str, overrides: str, source: str, path: str, trials: str, minutes: str,
    workers: str, storage: str, study: str, nested: str, *, debug: bool,
) -> None:  # fmt: skip
    """Search for a task's settings on validation, then train and evaluate it with the best."""
    with reported_errors(debug=debug):
        from components.core.config.task import load_task
        from pipelines.tune import run

        given = {
            "trials": trials, "minutes": minutes, "workers": workers, "storage": storage,
            "study": study, "nested": nested,
        }  # fmt: skip
        loaded = load_task(
            task, config=config, overrides=run.with_options(overrides, given), source=source,
            path=path,
        )  # fmt: skip
        run.tune(loaded)
