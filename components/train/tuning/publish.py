"""What a search shows in the tracking store."""

from __future__ import annotations

from components.core.config.tuned import tune_figures
from components.core.runs import Recorder
from components.core.store import Stage
from components.train.tuning.results import BEST, TRIALS


def stage(done: Stage, recorder: Recorder) -> None:
    """Log the figures, the tuned task file, the table of trials and the pages."""
    recorder.metrics(tune_figures(done.facts))
    for name in (BEST, TRIALS, "trials.csv", "search.json"):
        recorder.artifact(done.folder / name)
    if (done.folder / "pages").is_dir():
        recorder.artifacts(done.folder / "pages", "pages")
