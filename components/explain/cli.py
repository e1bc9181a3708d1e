"""Command line of `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from components.core.command import reported_errors

if TYPE_CHECKING:
    from components.core.runs import Recorder
    from components.core.store import Stage


@click.command()
@click.option("--run", "run_ref", required=True,
              help="Run of a pipeline, training or evaluation, or models:/name@alias.")  # fmt: skip
@click.option("--samples", default="",
              help="How many records to draw, or which: rows:12,57 or file:PATH.")  # fmt: skip
@click.option("--methods", default="", help="Names separated by commas; empty: all that fit.")
@click.option("--part", default="", help="val, or test, which opens the test part.")
@click.option("--head", default="", help="One of the model's heads; empty: the headline's.")
@click.option("--control", default="",
              help="Trainings on shuffled labels to compare with; commas between.")  # fmt: skip
@click.option("--task", default="", help="The model's task; empty: as its runs say.")
@click.option("--set", "overrides", default="", help="e.g. 'steps=100 records=64'.")
@click.option("--debug", is_flag=True, help="Show an error's traceback, which may quote data.")
def main(
    run_ref: str, samples: str, methods: str, part: str, head: str, control: str, task: str,
    overrides: str, *, debug: bool,
) -> None:  # fmt: skip
    """Explain a trained model: what its answers rest on, and whether to trust the explanation."""
    with reported_errors(debug=debug):
        from components.core import runs, store
        from components.core.data.held_out import record_opening
        from components.core.progress import say
        from components.core.training_runs import open_training, pipeline_run, task_of
        from components.core.upstream import upstream
        from components.explain import job, run
        from components.explain.controls import open_controls
        from components.explain.fitting import check_fits
        from components.explain.samples import asked

        wanted = asked(samples)
        config = job.settings(overrides, methods=methods, part=part, records=wanted.count)
        behind = upstream(open_training(run_ref))
        controls = open_controls(control, behind)
        of = job.job(behind, wanted, config, head=head, controls=controls)
        check_fits(of)
        experiment, print_ = task or task_of(behind.train), job.identity(of)
        tags: dict[str, object] = {
            runs.TAG_COMPONENT: "explain", runs.TAG_FINGERPRINT: print_, "task": experiment,
            "stage.explain": print_, "explains": behind.train.fingerprint,
        }  # fmt: skip
        with runs.open_run(experiment, "explain", tags) as recorder:
            plain = job.plain_config(of)
            recorder.params({f"explain.{key}": value for key, value in plain.items()})

            def compute(work: store.Workspace) -> None:
                test = config.part == "test"
                opening = record_opening(behind.cohort, recorder) if test else None
                run.explain(work, of, opening)

            done, computed = store.build(
                "explain",
                print_,
                config=plain,
                inputs=job.inputs(of),
                compute=compute,
                waiting=say,
            )
            recorder.tags({"computed": computed})
            _publish(done, recorder)
            parent = pipeline_run(run_ref)
            if parent is not None and of.headline:
                runs.Recorder(parent).metrics(done.facts["figures"])
            elif parent is not None:
                say(f"note: {job.APART}")
            for line in run.lines(done):
                say(line)


def _publish(done: Stage, recorder: Recorder) -> None:
    counts = {f"explain/{name}": value for name, value in done.counts.items()}
    recorder.metrics({**counts, **done.facts["figures"]})
    recorder.tags({**done.facts["tags"], "mlflow.note.content": done.facts["note"]})
    for name in done.facts["published"]:
        recorder.artifact(done.folder / name)
    recorder.artifacts(done.folder / "plots", "plots")
