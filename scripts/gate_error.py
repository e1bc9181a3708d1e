"""How often does the gate err, and what does it find? Simulated pairs of models, thousands of them.

`python scripts/gate_error.py [--sets 2000] [--processes 2] [--results FILE]` simulates, appends the
bounds of every batch to FILE and rewrites docs/promotion_statistics.md. Batches that FILE holds are
not made again, so that a run can be stopped and gone on with; batch k is always the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.core.comparison.one_sided import (  # noqa: E402 - runs from anywhere
    at_level,
    folds,
    headline,
    headline_rows,
    one_sided,
)
from components.core.metrics.bootstrap import summarised  # noqa: E402
from components.core.metrics.checks import FloatArray  # noqa: E402
from components.core.metrics.metric import RowWeights, Statistic, joined  # noqa: E402
from components.core.metrics.resampling import DRAWS, Plan, replicate  # noqa: E402
from components.core.metrics.tables import PatientTables  # noqa: E402
from scripts import resumable  # noqa: E402
from scripts.gate_designs import Design, models, rows  # noqa: E402

DOC = ROOT / "docs" / "promotion_statistics.md"
# The margin of non-inferiority and the level of the evaluation specification.
MARGIN, LEVEL = 0.02, 0.95
DIFFERENCES = (0.0, -MARGIN, 0.03, 0.05)
METHODS = ("corrected", "plain")
DESIGNS = (
    Design(patients=500, events=60),
    Design(patients=200, events=25),
    Design(patients=1500, events=200),
    Design(patients=500, events=60, recordings=True),
    Design(patients=200, events=25, recordings=True),
    Design(patients=200, events=25, auroc=0.9),
    Design(patients=500, events=60, alike=0.95),
    Design(patients=500, events=60, folds=5, repeats=3),
    Design(patients=200, events=25, folds=5, repeats=3),
    # 0.13 SDs are 0.03 of the AUROC at 0.75.
    Design(patients=500, events=60, folds=5, repeats=3, training=0.13),
)
# Test sets that share their draws of patients. A bound's own chance is then theirs together: with
# 2,000 draws it moves the error by 0.5 points, over 100 batches by a twentieth of that.
BATCH = 20

# `method/difference` → the bounds of a batch.
Bounds = dict[str, list[float]]


@dataclass(frozen=True)
class Job:
    """A batch of a design."""

    design: Design
    number: int

    @property
    def key(self) -> tuple[str, int]:
        """Return what tells it from the others."""
        return self.design.words, self.number


def main() -> None:
    """Simulate what is missing and rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=2000, help="test sets per design")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=ROOT / "data" / "gate_error.jsonl")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    # Batch by batch over all designs: a run that is stopped has something of each.
    jobs = [Job(design, number) for number in range(options.sets // BATCH) for design in DESIGNS]
    simulate(jobs, options.results, processes=options.processes)
    wanted = {job.key for job in jobs}
    write([row for row in resumable.read(options.results) if tuple(row["key"]) in wanted])


def simulate(jobs: Iterable[Job], file: Path, *, processes: int) -> None:
    """Append the bounds of every job that `file` lacks."""
    resumable.simulate(jobs, file, bounds, processes=processes, name="gate", unit="batches")


def bounds(job: Job, *, sets: int = BATCH, draws: int = DRAWS) -> Bounds:
    """Return the bounds of every true difference in each of a batch's test sets."""
    rng = np.random.default_rng((*job.key[0].encode(), job.number))
    held = rows(job.design, rng)
    each = [models(job.design, held, rng, DIFFERENCES) for _ in range(sets)]
    statistic = joined([beside(str(number), *made) for number, made in enumerate(each)])
    plan = at_level(Plan(draws=draws, seed=job.number), LEVEL)
    return _bounds(statistic, each[0][0], plan)


def beside(name: str, reference: PatientTables, *others: PatientTables) -> Statistic:
    """Return each other model's headline AUROC minus the reference's, which is evaluated once."""
    base, rivals = headline(reference), [headline(other) for other in others]

    def evaluate(weights: RowWeights) -> FloatArray:
        own = base.evaluate(weights)
        return np.hstack([rival.evaluate(weights) - own for rival in rivals])

    return Statistic(tuple(f"{name}/{number}" for number in range(len(others))), evaluate)


def _bounds(statistic: Statistic, tables: PatientTables, plan: Plan) -> Bounds:
    """Return the bounds as `lower_bound` makes them, and without the correction."""
    within, weight = headline_rows(tables, plan)
    value = statistic.value(RowWeights.observed(within.patient.size, weight))
    drawn = replicate(statistic, within, weight=weight, plan=plan)
    found: Bounds = {f"{m}/{d:g}": [] for m in METHODS for d in DIFFERENCES}
    for method in METHODS:
        own = replace(plan, corrected=method == "corrected")
        for name, column in zip(statistic.names, drawn.T, strict=True):
            interval = summarised(
                value[name], column, plan=own, patients=within.rarest, scale="plain",
                words=("", within.words), groups=folds(tables),
            )  # fmt: skip
            difference = DIFFERENCES[int(name.partition("/")[2])]
            found[f"{method}/{difference:g}"].append(one_sided(interval, LEVEL).lower)
    return found


def table(kept: list[dict[str, Any]]) -> list[str]:
    """Return a line per design."""
    lines = [
        "| events of patients | pairs | superior, plain | superior, though equal | not inferior, "
        "though 0.02 worse | finds 0.03 | finds 0.05 | equal one is not inferior |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for design in DESIGNS:
        own = [row["bounds"] for row in kept if row["key"][0] == design.words]
        cells = [
            f"{sum(len(each['plain/0']) for each in own):,}",
            declared(own, "plain/0", 0.0),
            declared(own, "corrected/0", 0.0),
            declared(own, f"corrected/{-MARGIN:g}", -MARGIN),
            *(declared(own, f"corrected/{gap:g}", 0.0, error=False) for gap in (0.03, 0.05)),
            declared(own, "corrected/0", -MARGIN, error=False),
        ]
        lines.append(f"| {' | '.join([design.words, *cells])} |")
    return lines


def declared(own: list[Bounds], name: str, least: float, *, error: bool = True) -> str:
    """Return the share of bounds above `least` with its exact 95 % interval (Clopper-Pearson).

    Marked where the whole interval of an error lies above 5 %.
    """
    found = np.concatenate([each[name] for each in own])
    test = binomtest(int((found > least).sum()), found.size)
    share = f"{100 * test.statistic:.1f} %"
    if not error:
        return share
    lo, hi = test.proportion_ci(0.95, method="exact")
    mark = " (!)" if lo > 1 - LEVEL else ""
    return f"{share} ({100 * lo:.1f} to {100 * hi:.1f}){mark}"


def write(kept: list[dict[str, Any]]) -> None:
    """Rewrite what stands between the marks of the page."""
    resumable.rewrite(DOC, DRAWS, table(kept))


if __name__ == "__main__":
    main()
