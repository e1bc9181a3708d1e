"""Validation and test predictions of every fold, several seeds averaged, in one table."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.data.cohort import Rows, folds
from components.core.data.held_out import Opening, read_test
from components.core.device import Place
from components.core.metrics import recalibrate as recalibration
from components.core.metrics.patients import by_patient
from components.core.metrics.recalibrator import Recalibrator
from components.core.metrics.tables import sigmoid
from components.core.metrics.threshold import f1_threshold, youden_threshold
from components.core.store import Stage
from components.core.trained import member_logits, members_of, stats_of

KEYS = ["sample_id", "patient_id", "label", "weight"]
_REPEATED = re.compile(r"r(\d+)f(\d+)$")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What validation teaches: the operating point and the way back to probabilities.

    Attributes:
        threshold: on the patient's mean logit; at or above it a patient is called positive.
        recalibrator: from logits to calibrated probabilities; the identity without recalibration.
        patients: how many validation patients they come from.
        events: how many of them with the event.
    """

    threshold: float
    recalibrator: Recalibrator
    patients: int
    events: int


def calibrate(val: pd.DataFrame, *, rule: str, recalibrate: str) -> Calibration:
    """Return threshold and recalibration from validation predictions, patient by patient."""
    patients = by_patient(val)
    choose = youden_threshold if rule == "youden" else f1_threshold
    return Calibration(
        threshold=choose(patients.label, patients.logit, patients.weight),
        recalibrator=recalibration.fit(
            recalibrate, patients.logit, patients.label, patients.weight
        ),
        patients=len(patients.label),
        events=int(patients.label.sum()),
    )


def validation(train: Stage, fold: str) -> pd.DataFrame:
    """Return a fold's validation predictions, averaged over seeds.

    With several heads `truth.<head>` and `logit.<head>` of each, beside the primary's, and
    `weight.<head>` of those of another endpoint.
    """
    frames = [
        pd.read_parquet(train.folder / m.folder / "val_predictions.parquet")
        for m in members_of(train, fold)
    ]
    names = [str(c) for c in frames[0]]
    truths = [c for c in names if c.startswith(("truth.", "weight."))]
    logits = [c for c in names if c == "logit" or c.startswith("logit.")]
    means = {c: np.mean([f[c] for f in frames], axis=0) for c in logits}
    return frames[0][[*KEYS, *truths]].assign(**means)


def pooled_validation(train: Stage, names: list[str]) -> pd.DataFrame:
    """Return all folds' validation predictions, a record's logits averaged over folds."""
    frames = pd.concat([validation(train, fold) for fold in names])
    return frames.groupby(KEYS[:3], as_index=False, sort=True)[["weight", "logit"]].mean()


@dataclass(frozen=True, kw_only=True)
class FoldTest:
    """A fold's test predictions.

    Attributes:
        fold: its name.
        rows: the records, for baselines and features.
        frame: `KEYS`, `logit` (mean over seeds) and one `logit.seedN` column per seed.
        calibration: from the fold's own validation part.
    """

    fold: str
    rows: Rows
    frame: pd.DataFrame
    calibration: Calibration


def test_fold(
    train: Stage, cohort: Stage, fold: str, opening: Opening, place: Place, *,
    rule: str, recalibrate: str,
) -> FoldTest:  # fmt: skip
    """Return the test predictions of one fold; the opening has been recorded."""
    rows = read_test(cohort, fold, opening, stats=stats_of(train, fold))
    frame = rows.frame[KEYS].copy()
    for member in members_of(train, fold):
        frame[f"logit.seed{member.seed}"] = member_logits(train, member, rows, place)
    seeds = [c for c in frame.columns if c.startswith("logit.seed")]
    frame["logit"] = frame[seeds].mean(axis=1)
    calibration = calibrate(validation(train, fold), rule=rule, recalibrate=recalibrate)
    return FoldTest(fold=fold, rows=rows, frame=frame, calibration=calibration)


def position(fold: str) -> tuple[int, int]:
    """Return (repeat, fold) numbers of a fold's name; (0, 0) for a single split."""
    found = _REPEATED.match(fold)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def table(tests: list[FoldTest]) -> pd.DataFrame:
    """Return one row per fold and record: the content of `predictions.parquet`."""
    parts: list[pd.DataFrame] = []
    for test in tests:
        repeat, fold = position(test.fold)
        calibrated = test.calibration.recalibrator.logit(test.frame["logit"].to_numpy())
        parts.append(
            test.frame.assign(
                split=test.fold,
                repeat=repeat,
                fold=fold,
                probability=sigmoid(test.frame["logit"].to_numpy()),
                calibrated_logit=calibrated,
                calibrated=sigmoid(calibrated),
                margin=test.frame["logit"] - test.calibration.threshold,
            )
        )
    return pd.concat(parts, ignore_index=True)


def fold_list(cohort: Stage) -> list[str]:
    """Return the folds in order."""
    return folds(cohort)
