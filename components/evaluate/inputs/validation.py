"""How well a network or a simple model ranks the patients of a validation part."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.metrics.folds import FoldTable, per_fold
from components.core.metrics.patients import by_patient
from components.evaluate.predictions import position


def patients_auroc(frame: pd.DataFrame, fold: str) -> float:
    """Return the AUROC over a fold's validation patients; NaN where a class has nobody.

    Args:
        frame: `patient_id, label, weight, logit` per record.
        fold: its name.
    """
    own, (repeat, number) = by_patient(frame), position(fold)
    table = FoldTable(
        patient=own.patient_id,
        repeat=np.full(len(own.label), repeat),
        fold=np.full(len(own.label), number),
        y=own.label.astype(np.float64),
        score=own.logit,
        weight=own.weight,
    )
    return per_fold(table, metrics=("auroc",))[0].figures["auroc"]
