"""Command line of `evaluate`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--run", "run_ref", required=True, help="Run id or stage folder of train.")
def main(task: str, config: str, overrides: str, run_ref: str, *, debug: bool) -> None:
    """Evaluate a trained model on its test split: figures, report, model card, bundle."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.data.held_out import record_opening
        from components.evaluate import run
        from components.evaluate.upstream import upstream

        resolved = load_task(task, config=config, overrides=overrides)
        train = runs.open_input(run_ref, "train")

        def compute(work: store.Workspace, recorder: runs.Recorder) -> None:
            behind = upstream(train)
            opening = record_opening(behind.cohort, recorder)
            run.evaluate(work, behind, resolved, opening, run_id=recorder.run_id)

        def publish(done: store.Stage, recorder: runs.Recorder) -> None:
            recorder.metrics(done.facts["figures"])
            recorder.tags(done.facts["tags"])
            for name in done.facts["published"]:
                recorder.artifact(done.folder / name)
            recorder.artifacts(done.folder / "plots", "plots")

        stages.execute(
            "evaluate", resolved, upstream=train.fingerprint, compute=compute, publish=publish
        )
