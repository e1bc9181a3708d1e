"""Command line of `search`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--audit-run", required=True, help="Run id or stage folder of audit.")
def main(task: str, config: str, overrides: str, audit_run: str, *, debug: bool) -> None:
    """Search for the task's settings on validation; the test split stays closed."""
    with reported_errors(debug=debug):
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.pretrained import resolve
        from components.train.run import prepared_cohort
        from components.train.tuning import publish, results, run, searches
        from components.train.tuning.loop import study_loop

        resolved = resolve(load_task(task, config=config, overrides=overrides))
        audit = runs.open_input(audit_run, "audit")
        cohort = prepared_cohort(audit)
        found: list[results.Found] = []

        def ahead(recorder: runs.Recorder) -> None:
            found.extend(run.search(audit, resolved, study_loop(audit, recorder)))

        def compute(work: store.Workspace, _: runs.Recorder) -> None:
            results.write(work, resolved, found, seen=searches.is_seen(cohort, resolved))

        stages.execute(
            "search", resolved, upstream=audit.fingerprint, compute=compute,
            publish=publish.stage, ahead=ahead,
        )  # fmt: skip
