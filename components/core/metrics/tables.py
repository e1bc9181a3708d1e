"""Predictions patient by patient, and the figures of the headline over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.metrics.bootstrap import bootstrap, paired_difference
from components.core.metrics.folds import FoldTable, within_fold, within_fold_difference
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan

RANKING = ("auroc", "auprc")
Figures = dict[str, Interval]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PatientTables:
    """Test predictions, patient by patient.

    Attributes:
        each: one row per (repeat, fold, patient): `patient_id, repeat, fold, label, weight,
            logit, calibrated_logit, margin` and one `logit.<baseline>` per baseline.
        pooled: one row per patient: the same columns averaged over repeats.
        folded: cross-validated, so that ranking figures are taken within folds.
    """

    each: pd.DataFrame
    pooled: pd.DataFrame
    folded: bool


def floats(frame: pd.DataFrame, column: str) -> Floats:
    """Return a column as float64."""
    return frame[column].to_numpy(np.float64)


def sigmoid(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[
    tuple[int, ...], np.dtype[np.float64]
]:  # fmt: skip
    """Return the probability of a log-odds, without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def patient_table(predictions: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return one row per (repeat, fold, patient): mean of `columns` over recordings."""
    grouped = predictions.groupby(["repeat", "fold", "patient_id"], sort=True)
    means = grouped[["weight", *columns]].mean()
    return means.assign(label=grouped["label"].max()).reset_index()


def pooled(patients: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return one row per patient: mean of `columns` over repeats."""
    grouped = patients.groupby("patient_id", sort=True)
    means = grouped[["weight", *columns]].mean()
    return means.assign(label=grouped["label"].max()).reset_index()


def patient_tables(predictions: pd.DataFrame, *, folded: bool) -> PatientTables:
    """Return both tables of an evaluation's `predictions.parquet`.

    Args:
        predictions: one row per fold and record.
        folded: cross-validated.
    """
    columns = ["calibrated_logit", "margin"]
    columns += [c for c in predictions.columns if c.startswith("logit")]
    each = patient_table(predictions, columns)
    return PatientTables(each=each, pooled=pooled(each, columns), folded=folded)


def fold_table(tables: PatientTables, column: str = "logit") -> FoldTable:
    """Return the out-of-fold predictions in the form the within-fold figures take."""
    return folded(tables.each, column)


def folded(frame: pd.DataFrame, column: str = "logit") -> FoldTable:
    """Return rows of `PatientTables.each` in the form the within-fold figures take."""
    return FoldTable(
        patient=frame["patient_id"].to_numpy(),
        repeat=frame["repeat"].to_numpy(np.int64),
        fold=frame["fold"].to_numpy(np.int64),
        y=floats(frame, "label"),
        score=floats(frame, column),
        weight=floats(frame, "weight"),
    )


def headline_figures(tables: PatientTables, column: str, plan: Plan) -> Figures:
    """Return AUROC and AUPRC: within folds under cross-validation, else over all patients."""
    if tables.folded:
        return within_fold(fold_table(tables, column), metrics=RANKING, plan=plan)
    frame = tables.pooled
    return bootstrap(
        floats(frame, "label"),
        floats(frame, column),
        frame["patient_id"].to_numpy(),
        metrics=RANKING,
        weight=floats(frame, "weight"),
        plan=plan,
    )


def difference(tables: PatientTables, other: str, plan: Plan) -> Figures:
    """Return the model's AUROC and AUPRC minus those of the logits in column `other`."""
    if tables.folded:
        rival = floats(tables.each, other)
        return within_fold_difference(fold_table(tables), rival, metrics=RANKING, plan=plan)
    frame = tables.pooled
    return paired_difference(
        floats(frame, "label"),
        (floats(frame, "logit"), floats(frame, other)),
        frame["patient_id"].to_numpy(),
        metrics=RANKING,
        weight=floats(frame, "weight"),
        plan=plan,
    )
