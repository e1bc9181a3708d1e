"""Negative control: with labels shuffled among the patients nothing may be left to find.

`python scripts/shuffled_labels.py` takes a synthetic cohort through preprocess, audit, train and
evaluate once as it is and then under 20 shuffles (`label.shuffle`), and rewrites the table between
the marks of docs/controls.md. It ends with 1 unless the mean AUROC is 0.5 within 0.02 and at least
17 of 20 intervals hold 0.5.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.core import stages, store  # noqa: E402 - the script runs from anywhere
from components.core.config.task import TaskConfig, load_task, save_resolved  # noqa: E402
from components.core.metrics.interval import Interval  # noqa: E402
from scripts.marks import write_between  # noqa: E402

DOC = ROOT / "docs" / "controls.md"
# Nothing is searched for: the settings are those below.
CHAIN = ("ingest", "preprocess", "audit", "train", "evaluate")
# What the project asks of 20 shuffles; 17 of 20 is what 95 % intervals reach with probability 0.98.
TOLERANCE, LEAST_SHARE = 0.02, 17 / 20
# Tabular features only, seconds a shuffle. One split, half of it tested: the patients drawn by the
# bootstrap are then independent of those learned from, as the intervals suppose (docs/controls.md).
SETTINGS = (
    "model.name=tabular model.hidden=16 preprocess.modalities=[tabular] "
    "preprocess.split.method=holdout preprocess.split.fractions=[0.35,0.15,0.5] fit.epochs=10 "
    "fit.seeds=[0] evaluate.draws=1000 evaluate.baselines=[logistic_regression] "
    "evaluate.skip=[decision_curve,optimism,learning_curve] register_as.name=''"
)


@dataclass(frozen=True)
class Row:
    """One run: its seed (None as it came), events, seconds, and AUROC by model."""

    seed: int | None
    patients: int
    events: int
    seconds: float
    auroc: dict[str, Interval]


def main() -> None:
    """Run the shuffles and rewrite the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shuffles", type=int, default=20)
    parser.add_argument("--patients", type=int, default=1500)
    asked = parser.parse_args()
    with _workspace() as folder:
        seeds = [None, *range(asked.shuffles)]
        rows = [one(folder, seed, patients=asked.patients) for seed in seeds]
    text = table(rows)
    sys.stdout.write(f"{text}\n")
    write_between(DOC, "shuffled", text.split("\n"))
    sys.exit(0 if all(passed(rows[1:], model) for model in rows[0].auroc) else 1)


def one(folder: Path, seed: int | None, *, patients: int) -> Row:
    """Return the figures of one run through every component, each by its own command."""
    start = time.monotonic()
    task = load_task(
        "ctrcd",
        overrides=f"{SETTINGS} ingest.options.synthetic.patients={patients} "
        f"label.shuffle={'null' if seed is None else seed}",
    )
    stage = _walk(task, folder)
    kept = json.loads((stage.folder / "metrics_test.json").read_text(encoding="utf-8"))
    names = {"network": "auroc", "logistic regression": "baseline/logistic_regression/auroc"}
    figures: dict[str, float] = stage.facts["figures"]
    return Row(
        seed,
        int(figures["test/patients"]),
        int(figures["test/events"]),
        time.monotonic() - start,
        {name: Interval(**kept[key]) for name, key in names.items()},
    )


def _walk(task: TaskConfig, folder: Path) -> store.Stage:
    config, upstream, reference = save_resolved(task, folder / "configs"), "none", ""
    for component in CHAIN:
        facts = stages.FACTS[component]
        upstream = stages.stage_fingerprint(component, task, upstream)
        if not (store.data_root() / component / upstream / store.STAGE_FILE).is_file():
            given = [f"--{facts.parameter.replace('_', '-')}", reference] if facts.parameter else []
            command = importlib.import_module(f"components.{component}.cli").main
            command(["--task", task.task, "--config", str(config), *given], standalone_mode=False)
        reference = str(store.data_root() / component / upstream)
    return store.read_stage(Path(reference))


@contextmanager
def _workspace() -> Generator[Path]:
    """Yield an empty folder that holds stages and tracking store; it is deleted in the end."""
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), Path.cwd()
        os.environ["CARDIO_DATA"] = str(folder / "data")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def holds_chance(found: Interval) -> bool:
    """Return whether the interval holds 0.5."""
    return found.lo <= 0.5 <= found.hi


def passed(rows: list[Row], model: str) -> bool:
    """Return whether the shuffles of a model came out at chance."""
    found = [row.auroc[model] for row in rows]
    mean = sum(each.value for each in found) / len(found)
    share = sum(holds_chance(each) for each in found) / len(found)
    return abs(mean - 0.5) <= TOLERANCE and share >= LEAST_SHARE


def table(rows: list[Row]) -> str:
    """Return the runs, the first one unshuffled, and their summary as Markdown."""
    models = list(rows[0].auroc)
    titles = [f"AUROC, {model} (95 % interval)" for model in models]
    head = ["seed", "patients tested", "events", "seconds", *titles]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        name = "not shuffled" if row.seed is None else str(row.seed)
        cells = [name, f"{row.patients:,}", f"{row.events:,}", f"{row.seconds:.0f}"]
        cells += [row.auroc[m].text() for m in models]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    lines += [_summary(rows[1:], model) for model in models]
    return "\n".join(lines)


def _summary(rows: list[Row], model: str) -> str:
    found = [row.auroc[model] for row in rows]
    mean = sum(each.value for each in found) / len(found)
    inside = sum(holds_chance(each) for each in found)
    verdict = "as it must be" if passed(rows, model) else "**not as it must be**"
    return (
        f"- {model}: mean {mean:.3f} over {len(found)} shuffles, {inside} of {len(found)} "
        f"intervals hold 0.500: {verdict}."
    )


if __name__ == "__main__":
    main()
