"""Command line of `score`."""

from __future__ import annotations

import click

from components.core.command import reported_errors


@click.command()
@click.option("--run", "run_ref", required=True,
              help="Run of a pipeline or evaluation, or models:/name@alias.")  # fmt: skip
@click.option("--source", default="manifest", show_default=True,
              help="Layout of the records: manifest, hdf5_embeddings or event_table.")  # fmt: skip
@click.option(
    "--path",
    required=True,
    help="The manifest, a folder that holds manifest.csv, or one of files of embeddings or tables.",
)
@click.option("--text-encoder", default="", show_default=True,
              help="Folder of the frozen encoder of notes or events.")  # fmt: skip
@click.option("--set", "overrides", default="", help="Options of event_table: 'stays=new.csv'.")
@click.option("--workers", default=0, show_default=True, type=click.IntRange(min=0),
              help="Processes; 0 takes one per core.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show an error's traceback, which may quote data.")
def main(
    run_ref: str,
    source: str,
    path: str,
    text_encoder: str,
    overrides: str,
    workers: int,
    *,
    debug: bool,
) -> None:
    """Predict new records by a trained model: predictions and rejects, no figures."""
    with reported_errors(debug=debug):
        from components.core import runs, store
        from components.core.progress import say
        from components.core.registry import bundle_folder
        from components.score import run

        job = run.job(
            bundle_folder(run_ref),
            source=source,
            path=path,
            text_encoder=text_encoder,
            overrides=overrides,
        )
        print_ = run.identity(job)
        tags: dict[str, object] = {
            runs.TAG_COMPONENT: "score", runs.TAG_FINGERPRINT: print_, "task": job.facts.task,
            "stage.score": print_, "model_version": job.facts.version,
        }  # fmt: skip
        with runs.open_run(job.facts.task, "score", tags) as recorder:
            done, _ = store.build(
                "score",
                print_,
                config=run.config(job),
                inputs={"bundle": job.facts.version, "raw": job.raw},
                compute=lambda work: run.score(work, job, workers=workers),
                waiting=say,
            )
            recorder.metrics({f"score/{name}": value for name, value in done.counts.items()})
            recorder.artifact(done.folder / run.PREDICTIONS)
            recorder.text(run.reject_summary(done.folder), "rejects_by_reason.csv")
            for line in run.lines(done):
                say(line)
