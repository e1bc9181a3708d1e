"""Several recordings of a patient: mean of logits first, then everything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Patients:
    """One row per patient.

    Attributes:
        patient_id: `[P]`.
        label: `[P]` 1 if any recording is positive.
        logit: `[P]` mean over recordings; higher means more likely.
        weight: `[P]` mean over recordings.
    """

    patient_id: npt.NDArray[np.object_]
    label: npt.NDArray[np.int64]
    logit: Floats
    weight: Floats


def by_patient(frame: pd.DataFrame) -> Patients:
    """Return patient-level rows of `patient_id`, `label`, `logit`, `weight` per recording.

    Recordings whose label is not known are left out.
    """
    grouped = frame[frame["label"].notna()].groupby("patient_id", sort=True)
    table = grouped.agg(label=("label", "max"), logit=("logit", "mean"), weight=("weight", "mean"))
    return Patients(
        patient_id=table.index.to_numpy(dtype=object),
        label=table["label"].to_numpy(np.int64),
        logit=table["logit"].to_numpy(np.float64),
        weight=table["weight"].to_numpy(np.float64),
    )
