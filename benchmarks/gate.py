"""The promotion gate's paired bootstrap with 2,000 draws of patients, against scikit-learn."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.harness.row import Comparison, Outcome, Row, Values

if TYPE_CHECKING:
    from components.core.comparison.judged import Judged

DRAWS = 2000
# Draws that the peer is timed on; the whole is extrapolated from them.
PEER_DRAWS = 10
FOLDS, REPEATS = 5, 3
_CHECKED = 3  # draws whose differences both sides report


def frames(rows: int, *, folded: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two models' predictions `[rows]`, one a patient or one a patient and repeat."""
    rng = np.random.default_rng(0)
    repeats, folds = (REPEATS, FOLDS) if folded else (1, 1)
    patients = rows // repeats
    number = np.arange(patients)
    label = (rng.random(patients) < 0.1).astype(np.float64)  # prevalence of CTRCD, about
    shared = label + rng.normal(size=patients)
    fold = [rng.permutation(patients) % folds for _ in range(repeats)]
    one, two = (
        pd.concat(
            [
                pd.DataFrame(
                    {
                        "patient_id": number,
                        "repeat": repeat,
                        "fold": fold[repeat],
                        "label": label,
                        "weight": 1.0,
                        "logit": shared + rng.normal(size=patients),
                    }
                )
                for repeat in range(repeats)
            ]
        ).sort_values(["repeat", "fold", "patient_id"], ignore_index=True)
        for _ in range(2)
    )
    return one, two


def _judged(frame: pd.DataFrame, letter: str, *, folded: bool) -> Judged:
    from components.core.comparison.judged import Judged
    from components.core.metrics.tables import PatientTables

    nothing = cast(Any, None)
    return Judged(
        letter=letter, reference=letter, stage=nothing, task="", model="", test_split="",
        tables=PatientTables(each=frame, pooled=frame, folded=folded),
        published={}, figures={}, sizes={},
    )  # fmt: skip


def _ours(size: int, *, folded: bool) -> Outcome:
    from components.core.comparison.one_sided import (
        headline_difference,
        headline_rows,
        lower_bound,
    )
    from components.core.metrics.registry import named
    from components.core.metrics.resampling import Plan, replicate

    pair = zip("AB", frames(size, folded=folded), strict=True)
    first, second = (_judged(frame, letter, folded=folded) for letter, frame in pair)
    named(["auroc"])  # imports the metrics; the peer's imports are not timed either
    start = time.perf_counter()
    lower_bound(first, second, Plan(draws=DRAWS))
    seconds = time.perf_counter() - start
    few = Plan(draws=_CHECKED)
    within, weight = headline_rows(first.tables, few)
    statistic = headline_difference(first.tables, second.tables)
    found = replicate(statistic, within, weight=weight, plan=few)
    return Outcome(seconds=seconds, units=DRAWS, result=found[:, 0])


def _peer(size: int, *, folded: bool) -> Outcome:
    from sklearn.metrics import roc_auc_score

    first, second = frames(size, folded=folded)
    patient, y = first["patient_id"].to_numpy(), first["label"].to_numpy()
    patients = int(patient.max()) + 1
    scores = [frame["logit"].to_numpy() for frame in (second, first)]
    keys = first[["repeat", "fold"]].to_numpy()
    cells = [np.flatnonzero((keys == key).all(axis=1)) for key in np.unique(keys, axis=0)]

    def draw(number: int) -> float:
        rng = np.random.default_rng((0, number))  # the same draws of patients as ours
        picked = rng.integers(0, patients, size=patients, dtype=np.uint32).astype(np.int64)
        times: npt.NDArray[np.int64] = np.bincount(picked, minlength=patients)[patient]
        drawn = [np.repeat(rows, times[rows]) for rows in cells]
        one, two = (
            float(np.mean([roc_auc_score(y[index], score[index]) for index in drawn]))
            for score in scores
        )
        return one - two

    start = time.perf_counter()
    found: Values = np.array([draw(number) for number in range(PEER_DRAWS)])
    return Outcome(seconds=time.perf_counter() - start, units=PEER_DRAWS, result=found[:_CHECKED])


def _prepare(folder: Path, size: int) -> None:
    """Nothing lies on disk."""
    del folder, size


_PEER = "scikit-learn's `roc_auc_score` in a loop"
ROW = Row(
    name="gate",
    unit="draws",
    sizes=(6_250, 25_000, 100_000),
    # A fold of fewer would lack events in some draws, which scikit-learn warns of.
    quick=(3000, 6000, 12_000),
    prepare=_prepare,
    work=lambda _: DRAWS,
    sides={
        "ours": lambda _, size: _ours(size, folded=False),
        "scikit-learn": lambda _, size: _peer(size, folded=False),
        "ours, cross-validated": lambda _, size: _ours(size, folded=True),
        "scikit-learn, cross-validated": lambda _, size: _peer(size, folded=True),
    },
    comparisons=(
        Comparison(
            work="the gate's difference in AUROC with its lower bound, {size} patients",
            ours="ours", other="scikit-learn", peer=_PEER, limit_s=10, tolerance=1e-12,
        ),
        Comparison(
            work=f"the same within {FOLDS} folds × {REPEATS} repeats, {{size}} predictions, "
            "patients drawn whole",
            ours="ours, cross-validated", other="scikit-learn, cross-validated",
            peer=f"{_PEER}, fold by fold", limit_s=10, tolerance=1e-12,
        ),
    ),
    notes=(
        f"scikit-learn is timed on {PEER_DRAWS} draws and extrapolated to {DRAWS:,}; both sides "
        "use the same draws of patients and agree to 1e-12.",
        "Ours runs on as many threads as there are cores; the loop is one process, as written.",
    ),
)  # fmt: skip
