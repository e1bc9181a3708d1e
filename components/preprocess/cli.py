"""Command line of `preprocess`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--ingest-run", required=True, help="Run id or stage folder of ingest.")
def main(task: str, config: str, overrides: str, ingest_run: str, *, debug: bool) -> None:
    """Turn records into tensors: labels at the horizon, splits by patient, int16 shards."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.preprocess import run
        from components.preprocess.followup import files as follow_up

        resolved = load_task(task, config=config, overrides=overrides)
        source = runs.open_input(ingest_run, "ingest")

        def publish(stage: store.Stage, recorder: runs.Recorder) -> None:
            recorder.dataset(stage)
            recorder.artifacts(stage.folder / "norm_stats", "norm_stats")
            for file in follow_up(stage.folder):
                recorder.artifact(file)

        stages.execute(
            "preprocess",
            resolved,
            upstream=source.fingerprint,
            compute=lambda work, _: run.preprocess(
                work,
                source,
                label=resolved.label,
                config=resolved.preprocess,
                heads=resolved.heads,
            ),
            publish=publish,
        )
