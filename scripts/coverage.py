"""Do the 95 % intervals cover the truth 95 times in 100? A simulation of clustered data sets.

`python scripts/coverage.py [--sets 1000] [--processes 2] [--results FILE]` simulates, appends every
data set's intervals to FILE and rewrites docs/coverage.md. Data sets that FILE holds already are
not made again, so that a run can be stopped and gone on with; data set k is always the same.
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
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.core.metrics.bootstrap import summarised  # noqa: E402 - runs from anywhere
from components.core.metrics.concordance import concordance  # noqa: E402
from components.core.metrics.followed import followed  # noqa: E402
from components.core.metrics.metric import RowWeights, Sample, Statistic, statistics_for  # noqa: E402
from components.core.metrics.registry import all_metrics, named  # noqa: E402
from components.core.metrics.resampling import Clusters, Plan, clusters, replicate  # noqa: E402
from scripts import resumable  # noqa: E402
from scripts.simulation import (  # noqa: E402
    Level,
    Scenario,
    draw,
    draw_follow_up,
    true_concordance,
    truths,
)

DOC = ROOT / "docs" / "coverage.md"
SCENARIOS = (Scenario(500, 100), Scenario(2000, 200), Scenario(300, 30))
LEVELS: tuple[Level, ...] = ("patient", "recording")
BINARY = ("auroc", "auprc", "brier", "calibration_slope")
TITLES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "harrell_c": "Harrell's C",
}
METHODS = ("plain", "corrected")
# Bounds then vary by a few hundredths of their distance; the report takes 2,000.
DRAWS = 1000
# A coverage within these is taken as 95 %: three standard errors of 1,000 data sets and a little.
ACCEPTED = (0.93, 0.97)


@dataclass(frozen=True)
class Job:
    """One data set to be simulated."""

    scenario: Scenario
    number: int

    @property
    def key(self) -> tuple[int, int, int]:
        """Return what tells it from the others."""
        return self.scenario.patients, self.scenario.events, self.number


# `figure/level/method` → lower and upper bound.
Bounds = dict[str, tuple[float, float]]


def main() -> None:
    """Simulate what is missing and rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000, help="data sets per size")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=ROOT / "data" / "coverage.jsonl")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    jobs = [Job(scenario, number) for scenario in SCENARIOS for number in range(options.sets)]
    simulate(jobs, options.results, processes=options.processes)
    wanted = {job.key for job in jobs}
    write([row for row in resumable.read(options.results) if tuple(row["key"]) in wanted])


def simulate(jobs: Iterable[Job], file: Path, *, processes: int) -> None:
    """Append the bounds of every job that `file` lacks."""
    resumable.simulate(jobs, file, bounds, processes=processes, name="coverage", unit="data sets")


def bounds(job: Job) -> Bounds:
    """Return the bounds of every figure, level and method on one data set."""
    plan = Plan(draws=DRAWS, seed=job.number)
    found: Bounds = {}
    for level in LEVELS:
        data = draw(job.scenario, level, np.random.default_rng((1, *job.key)))
        sample = Sample(y=data.y, score=1 / (1 + np.exp(-data.logit)))
        within = clusters(data.patient, data.y, weight=None, plan=plan)
        found |= _both(statistics_for(sample, named(BINARY)), within, plan, level)
    times = draw_follow_up(job.scenario, np.random.default_rng((2, *job.key)))
    statistic = concordance(followed(times.time, times.event), times.risk, kind="harrell")
    within = clusters(np.arange(times.time.size), times.event, weight=None, plan=plan)
    return found | _both(statistic, within, plan, "patient")


def _both(statistic: Statistic, within: Clusters, plan: Plan, level: Level) -> Bounds:
    """Return plain and corrected intervals from the same draws, as `bootstrap.intervals` does."""
    value = statistic.value(RowWeights.observed(within.patient.size))
    draws = replicate(statistic, within, weight=None, plan=plan)
    found: Bounds = {}
    for method in METHODS:
        own = replace(plan, corrected=method == "corrected")
        for name, column in zip(statistic.names, draws.T, strict=True):
            i = summarised(
                value[name],
                column,
                plan=own,
                patients=within.rarest,
                scale=all_metrics()[name].scale if name in BINARY else "plain",
                words=("", within.words),
            )
            found[f"{name}/{level}/{method}"] = i.lo, i.hi
    return found


def summary(rows: list[dict[str, Any]], scenario: Scenario) -> list[str]:
    """Return the table of one size."""
    own = [row["bounds"] for row in rows if row["key"][:2] == [scenario.patients, scenario.events]]
    sizes = f"{scenario.patients:,} patients, {scenario.events} events expected"
    return [
        f"**{sizes}; {len(own):,} data sets**",
        "",
        "| figure | rows | truth | plain | corrected | too low | too high | mean width |",
        "|---|---|---|---|---|---|---|---|",
        *(
            _line(own, scenario, name, level)
            for name in TITLES
            for level in (LEVELS if name in BINARY else LEVELS[:1])
        ),
    ]


def _line(own: list[Bounds], scenario: Scenario, name: str, level: Level) -> str:
    truth = truths(scenario, level)[name] if name in BINARY else true_concordance(scenario)
    plain, wide = (np.array([each[f"{name}/{level}/{m}"] for each in own]).T for m in METHODS)
    cells = (
        f"{truth:.4f}",
        *(_share((lo <= truth) & (truth <= hi)) for lo, hi in (plain, wide)),
        f"{100 * np.mean(wide[1] < truth):.1f} %",
        f"{100 * np.mean(truth < wide[0]):.1f} %",
        f"{np.mean(wide[1] - wide[0]):.3f}",
    )
    return "| " + " | ".join((TITLES[name], level, *cells)) + " |"


def _share(hits: npt.NDArray[np.bool_]) -> str:
    """Return coverage and its Monte Carlo standard error, marked where it is outside."""
    rate = float(hits.mean())
    error = np.sqrt(rate * (1 - rate) / hits.size)
    outside = "" if ACCEPTED[0] <= rate <= ACCEPTED[1] else " (!)"
    return f"{100 * rate:.1f} ± {100 * error:.1f} %{outside}"


def write(rows: list[dict[str, Any]]) -> None:
    """Rewrite what stands between the marks of the page."""
    tables = [line for scenario in SCENARIOS for line in (*summary(rows, scenario), "")]
    resumable.rewrite(DOC, DRAWS, tables)


if __name__ == "__main__":
    main()
