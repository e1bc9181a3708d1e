"""The planted truth of the synthetic cohort; no other stage reads it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.models.spec import DataSpec
from components.core.store import Stage

TRUTH = "truth/truth.parquet"


def oracle_logits(ingest: Stage, spec: DataSpec, patients: pd.DataFrame) -> np.ndarray[
    tuple[int], np.dtype[np.float64]
] | None:  # fmt: skip
    """Return `[n]` the true log-odds of the patients from the task's own inputs, or None.

    Not the model's: what a model that leaves an input out gives away is part of its share.

    Args:
        ingest: the ingest stage; only a synthetic cohort has a truth.
        spec: says which inputs the task has.
        patients: one row per patient, `patient_id`.
    """
    file = ingest.folder / TRUTH
    if not file.exists():
        return None
    column = {(True, True): "p_ecg_tabular", (True, False): "p_ecg", (False, True): "p_tabular"}[
        (spec.leads > 0, spec.tabular > 0)
    ]
    truth = pd.read_parquet(file, columns=["patient_id", column])
    chance = truth.groupby("patient_id")[column].mean().reindex(patients["patient_id"])
    clipped = np.clip(chance.to_numpy(np.float64), 1e-9, 1 - 1e-9)
    return np.log(clipped) - np.log1p(-clipped)
