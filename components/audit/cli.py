"""Command line of `audit`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options


@click.command()
@task_options
@click.option("--preprocess-run", required=True, help="Run id or stage folder of preprocess.")
def main(task: str, config: str, overrides: str, preprocess_run: str, *, debug: bool) -> None:
    """Check a prepared cohort for leaks; a leak that is not waived ends with exit status 3."""
    with reported_errors(debug=debug):
        from components.audit import run
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.pretrained import resolve, trunk_folder

        resolved = resolve(load_task(task, config=config, overrides=overrides))
        stage = runs.open_input(preprocess_run, "preprocess")
        looks = runs.count_openings(str(stage.facts["test_split_sha256"]))

        def publish(done: store.Stage, recorder: runs.Recorder) -> None:
            recorder.tags({f"audit.{f['check']}": f["status"] for f in done.facts["findings"]})
            recorder.tags({f"waiver.{n}": reason for n, reason in done.facts["waivers"].items()})
            recorder.text(run.summary(done), "audit.csv")
            for name in (run.PAGE, run.REPORT, run.TABLE):
                recorder.artifact(done.folder / name)

        stages.execute(
            "audit",
            resolved,
            upstream=stage.fingerprint,
            compute=lambda work, _: run.audit(
                work,
                stage,
                label=resolved.label,
                config=resolved.audit,
                test_looks=looks,
                encoder=str(trunk_folder(resolved.model) or ""),
            ),
            publish=publish,
        )
