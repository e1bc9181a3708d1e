"""From the log-odds of several networks to one calibrated probability."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from components.core.heads.registry import Case, Floats
from components.core.metrics import recalibrate
from components.core.metrics.patients import by_patient


def fit_log_odds(case: Case) -> dict[str, Any]:
    """Return the recalibration of a head's log-odds, fitted patient by patient on validation."""
    frame = pd.DataFrame(
        {
            "patient_id": case.patient_id,
            "label": case.truth,
            "weight": case.weight,
            "logit": case.log_odds,
        }
    )
    patients = by_patient(frame)
    found = recalibrate.fit(case.method, patients.logit, patients.label, patients.weight)
    return dict(json.loads(found.to_json()))


def calibrated(log_odds: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return calibrated `p` and `logit` `[B]` of the members' mean log-odds `[M, B]`."""
    mean = np.asarray(log_odds.double().mean(0), dtype=np.float64)
    logit = recalibrate.from_json(json.dumps(calibration)).logit(mean)
    return {"p": 1 / (1 + np.exp(-logit)), "logit": logit}
