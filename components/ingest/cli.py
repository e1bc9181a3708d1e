"""Command line of `ingest`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, task_options, yes_or_no


@click.command()
@task_options
@click.option("--source", default="", help="A source in ingest/sources/; empty: the task's own.")
@click.option("--path", default="", help="Manifest, table or folder; empty: the task's own.")
@click.option(
    "--inspect", default="false", is_flag=False, flag_value="true",
    help="true: say what the path holds, and write nothing.",
)  # fmt: skip
@click.option("--inspect-files", default=200, show_default=True, type=click.IntRange(min=1),
              help="Files to open per extension when inspecting.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the inspection as JSON.")
@click.option("--show-names", is_flag=True, help="Print names of refused files, too.")
def main(
    task: str, config: str, overrides: str, source: str, path: str, inspect: str,
    inspect_files: int, *, as_json: bool, show_names: bool, debug: bool,
) -> None:  # fmt: skip
    """Read raw files into records: manifest, shards, rejects; or inspect them only."""
    with reported_errors(debug=debug):
        if yes_or_no("inspect", inspect):
            from components.core.config.task import load_task as load
            from components.ingest.inspection import look, show

            wanted = load(task, config=config, overrides=overrides, source=source, path=path)
            found = look.inspect(wanted.ingest, limit=inspect_files, show_names=show_names)
            if as_json:
                click.echo(found.model_dump_json(indent=1))
            else:
                show.show(found)
            return
        from components.core import runs, stages, store
        from components.core.config.task import load_task
        from components.core.data.raw import raw_digest
        from components.ingest import run
        from components.ingest.flow import FLOW, PICTURE

        resolved = load_task(task, config=config, overrides=overrides, source=source, path=path)
        ingest = resolved.ingest

        def publish(stage: store.Stage, recorder: runs.Recorder) -> None:
            recorder.dataset(stage)
            recorder.text(run.reject_summary(stage.folder), "rejects_by_reason.csv")
            for name in (FLOW, PICTURE):
                if (stage.folder / name).is_file():
                    recorder.artifact(stage.folder / name)

        stages.execute(
            "ingest",
            resolved,
            upstream=raw_digest(ingest.path, ingest.options.get(ingest.source, {})),
            compute=lambda work, _: run.ingest(work, ingest),
            publish=publish,
        )
