"""The simple models of every fold in one table, and the model against each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.data.cohort import read_part
from components.core.metrics.tables import (
    Figures,
    PatientTables,
    difference,
    headline_figures,
    patient_tables,
)
from components.core.trained import stats_of
from components.evaluate.analysis import Context
from components.evaluate.inputs.simple import Simple, simple_models
from components.evaluate.inputs.validation import patients_auroc
from components.evaluate.predictions import FoldTest
from components.evaluate.robustness.setting import inputs_of


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A simple model beside the model.

    Attributes:
        name: an input, or `together`.
        validation: its AUROC there, mean over folds.
        figures: AUROC and AUPRC on the test part.
        gap: model minus it, on the same draws of the same patients.
    """

    name: str
    validation: float
    figures: Figures
    gap: Figures


def rivals(context: Context) -> list[Rival]:
    """Return the simple models against the model, in the order of its inputs, all together last."""
    found: list[tuple[FoldTest, list[Simple]]] = []
    chosen_by: dict[str, list[float]] = {}
    for test in context.tests:
        stats = stats_of(context.stages.train, test.fold)
        train, val = (
            read_part(context.stages.cohort, test.fold, part, stats=stats)
            for part in ("train", "val")
        )
        models = simple_models((train, val, test.rows), inputs_of(context), context.features)
        found.append((test, models))
        for each in models:
            chosen_by.setdefault(each.name, []).append(
                patients_auroc(val.frame.assign(logit=each.validation), test.fold)
            )
    tables = _tables(context, found)
    return [
        Rival(
            name=name,
            validation=float(np.nanmean(values)),
            figures=headline_figures(tables, f"logit.{name}", context.plan),
            gap=difference(tables, f"logit.{name}", context.plan),
        )
        for name, values in chosen_by.items()
        if len(values) == len(context.tests)
    ]


def _tables(context: Context, found: list[tuple[FoldTest, list[Simple]]]) -> PatientTables:
    """Return the predictions, which are in the order of the tests, with the simple models'."""
    parts = [pd.DataFrame({f"logit.{m.name}": m.test for m in models}) for _, models in found]
    own = pd.concat(parts, ignore_index=True)
    frame = pd.concat([context.predictions.reset_index(drop=True), own], axis=1)
    return patient_tables(frame, folded=context.tables.folded)
