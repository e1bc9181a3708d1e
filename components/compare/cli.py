"""Command line of `compare`."""

from __future__ import annotations

import click

from components.core.command import reported_errors


@click.command()
@click.option(
    "--runs", "references", required=True,
    help="Run ids of pipelines or evaluations, separated by commas; two at least.",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Show an error's traceback, which may quote data.")
def main(references: str, *, debug: bool) -> None:
    """Compare evaluated models: figures side by side, paired differences, changed calls."""
    with reported_errors(debug=debug):
        from components.compare import run
        from components.core import runs, store, ui_links
        from components.core.comparison.judged import judged, split_references
        from components.core.progress import say

        given = split_references(references)
        models = judged([(r, runs.open_input(r, "evaluate")) for r in given])
        print_ = run.identity(models)
        tags: dict[str, object] = {
            runs.TAG_COMPONENT: "compare", runs.TAG_FINGERPRINT: print_,
            "task": models[0].task, "stage.compare": print_, "compared": ",".join(given),
        }  # fmt: skip
        with runs.open_run(models[0].task, "compare", tags) as recorder:
            done, _ = store.build(
                "compare",
                print_,
                config=run.config(models),
                inputs={f"evaluate.{m.letter}": m.stage.fingerprint for m in models},
                compute=lambda work: run.fill(work, models),
                waiting=say,
            )
            recorder.metrics(done.facts["figures"])
            recorder.tags({**done.facts["tags"], "mlflow.note.content": done.facts["note"]})
            for name in done.facts["published"]:
                recorder.artifact(done.folder / name)
            recorder.artifacts(done.folder / "plots", "plots")
            for line in done.facts["verdict"]:
                say(line)
            link, why = ui_links.side_by_side([(m.reference, m.stage) for m in models])
            if link:
                recorder.tags({ui_links.TAG_COMPARE: link})
            say(f"side by side in the UI: {link}" if link else f"no link to the UI: {why}")
