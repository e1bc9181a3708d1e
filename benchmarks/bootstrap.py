"""AUROC, AUPRC and Brier score with 2,000 clustered bootstrap draws, against scikit-learn."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.harness.row import Comparison, Outcome, Row, Values

DRAWS = 2000
# Draws that the peer is timed on; the whole is extrapolated from them.
PEER_DRAWS = 20
METRICS = ("auroc", "auprc", "brier")
_CHECKED = 3  # draws whose figures both sides report


class Data:
    """Predictions `[n]` of clustered patients, about two in three rows being a patient's first."""

    def __init__(self, rows: int) -> None:
        rng = np.random.default_rng(0)
        drawn = np.sort(rng.integers(0, int(rows * 0.65), rows))
        self.patient: npt.NDArray[np.int64] = np.unique(drawn, return_inverse=True)[1]
        self.y = (rng.random(rows) < 0.1).astype(np.float64)  # prevalence of CTRCD, about
        self.prob = 1 / (1 + np.exp(2 - 1.2 * self.y - rng.normal(size=rows)))
        self.weight = rng.uniform(0.5, 2, rows)


def _ours(size: int, *, weighted: bool) -> Outcome:
    from components.core.metrics.bootstrap import bootstrap
    from components.core.metrics.metric import Sample, statistics_for
    from components.core.metrics.registry import named
    from components.core.metrics.resampling import Plan, clusters, replicate

    data = Data(size)
    weight = data.weight if weighted else None
    named(METRICS)  # imports the metrics; the peer's imports are not timed either
    start = time.perf_counter()
    bootstrap(
        data.y, data.prob, data.patient, metrics=METRICS, weight=weight, plan=Plan(draws=DRAWS)
    )
    seconds = time.perf_counter() - start
    sample = Sample(y=data.y, score=data.prob, weight=weight)
    few = Plan(draws=_CHECKED)
    within = clusters(data.patient, data.y, weight=weight, plan=few)
    found = replicate(statistics_for(sample, named(METRICS)), within, weight=weight, plan=few)
    return Outcome(seconds=seconds, units=DRAWS, result=found)


def _peer(size: int, *, weighted: bool) -> Outcome:
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    data = Data(size)
    weight = data.weight if weighted else None
    patients = int(data.patient.max()) + 1
    rows = np.arange(size)

    def draw(number: int) -> list[float]:
        rng = np.random.default_rng((0, number))  # the same draws of patients as ours
        picked = rng.integers(0, patients, size=patients, dtype=np.uint32).astype(np.int64)
        index = np.repeat(rows, np.bincount(picked, minlength=patients)[data.patient])
        y, prob = data.y[index], data.prob[index]
        own = None if weight is None else weight[index]
        return [
            float(figure(y, prob, sample_weight=own))
            for figure in (roc_auc_score, average_precision_score, brier_score_loss)
        ]

    start = time.perf_counter()
    found: Values = np.array([draw(number) for number in range(PEER_DRAWS)])
    return Outcome(seconds=time.perf_counter() - start, units=PEER_DRAWS, result=found[:_CHECKED])


def _prepare(folder: Path, size: int) -> None:
    """Nothing lies on disk."""
    del folder, size


_PEER = "scikit-learn's `roc_auc_score`, `average_precision_score`, `brier_score_loss` in a loop"
ROW = Row(
    name="bootstrap",
    unit="draws",
    sizes=(6_250, 25_000, 100_000),
    quick=(1000, 2000, 4000),
    prepare=_prepare,
    work=lambda _: DRAWS,
    sides={
        "ours": lambda _, size: _ours(size, weighted=False),
        "scikit-learn": lambda _, size: _peer(size, weighted=False),
        "ours, weighted": lambda _, size: _ours(size, weighted=True),
        "scikit-learn, weighted": lambda _, size: _peer(size, weighted=True),
    },
    comparisons=(
        Comparison(
            work="AUROC + AUPRC + Brier, patients resampled, {size} predictions",
            ours="ours", other="scikit-learn", peer=_PEER, ratio=100, tolerance=1e-12,
        ),
        Comparison(
            work="the same with row weights",
            ours="ours, weighted", other="scikit-learn, weighted", peer=f"{_PEER}, `sample_weight`",
            ratio=100, tolerance=1e-12,
        ),
    ),
    notes=(
        f"scikit-learn is timed on {PEER_DRAWS} draws and extrapolated to {DRAWS:,}; both sides "
        "use the same draws of patients and agree to 1e-12.",
        "Ours runs on as many threads as there are cores; the loop is one process, as written.",
    ),
)  # fmt: skip
