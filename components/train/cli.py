"""Command line of `train`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--audit-run", required=True, help="Run id or stage folder of audit.")
def main(task: str, config: str, overrides: str, audit_run: str, *, debug: bool) -> None:
    """Train the task's model on every fold and seed; the test split stays closed."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.pretrained import resolve
        from components.train import publish, run

        resolved = resolve(load_task(task, config=config, overrides=overrides))
        audit = runs.open_input(audit_run, "audit")
        run.prepared_cohort(audit)

        def compute(work: store.Workspace, recorder: runs.Recorder) -> None:
            told = publish.live(recorder, resolved)
            run.train(work, audit, resolved, told, publish.pictures(recorder))

        stages.execute(
            "train", resolved, upstream=audit.fingerprint, compute=compute, publish=publish.stage
        )
