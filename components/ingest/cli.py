"""Command line of `ingest`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--source", default="", help="A source in ingest/sources/; empty: the task's own.")
@click.option("--path", default="", help="Manifest, table or folder; empty: the task's own.")
def main(task: str, config: str, overrides: str, source: str, path: str, *, debug: bool) -> None:
    """Read raw files into records: manifest, shards, rejects."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.data.raw import raw_digest
        from components.ingest import run

        resolved = load_task(task, config=config, overrides=overrides, source=source, path=path)
        ingest = resolved.ingest

        def publish(stage: store.Stage, recorder: runs.Recorder) -> None:
            recorder.dataset(stage)
            recorder.text(run.reject_summary(stage.folder), "rejects_by_reason.csv")

        stages.execute(
            "ingest",
            resolved,
            upstream=raw_digest(ingest.path, ingest.options.get(ingest.source, {})),
            compute=lambda work, _: run.ingest(work, ingest),
            publish=publish,
        )
