"""Command line of `evaluate`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--run", "run_ref", required=True,
              help="Run id or stage folder of train, or models:/name@alias.")  # fmt: skip
@click.option(
    "--cohort", default="",
    help="Another cohort for external validation: run id or stage folder of preprocess.",
)  # fmt: skip
def main(task: str, config: str, overrides: str, run_ref: str, cohort: str, *, debug: bool) -> None:
    """Evaluate a trained model on its test split, or on another cohort (external validation)."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.data.held_out import record_opening
        from components.core.registry import source_run
        from components.core.upstream import upstream
        from components.evaluate import run
        from components.evaluate.external import external_upstream
        from components.evaluate.tracking import EMBEDDINGS

        resolved = load_task(task, config=config, overrides=overrides)
        train = runs.open_input(source_run(run_ref), "train")
        behind = upstream(train)
        also: dict[str, str] = {}
        if cohort:
            behind = external_upstream(behind, runs.open_input(cohort, "preprocess"))
            internal = behind.internal.fingerprint if behind.internal else "none"
            also = {"cohort": behind.cohort.fingerprint, "internal": internal}

        def compute(work: store.Workspace, recorder: runs.Recorder) -> None:
            opening = record_opening(behind.cohort, recorder)
            run.evaluate(work, behind, resolved, opening, run_id=recorder.run_id)

        def publish(done: store.Stage, recorder: runs.Recorder) -> None:
            recorder.metrics(done.facts["figures"])
            recorder.tags(done.facts["tags"])
            for name in done.facts["published"]:
                recorder.artifact(done.folder / name)
            recorder.artifacts(done.folder / "plots", "plots")
            embeddings = done.folder / EMBEDDINGS
            if embeddings.is_dir():  # of a model that imputes
                recorder.artifacts(embeddings, embeddings.name)

        stages.execute(
            "evaluate",
            resolved,
            upstream=train.fingerprint,
            compute=compute,
            publish=publish,
            also=also,
        )
