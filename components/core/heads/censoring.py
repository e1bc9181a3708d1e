"""Weights of a head's binary view by inverse probability of its own censoring; free of torch.

Each endpoint has a follow-up of its own, so each head has weights of its own: who is censored for
recurrence may be known for death.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import HeadConfig
from components.core.errors import InputError
from components.core.metrics.ipcw import CensoringCurve, censoring_curve, ipcw_weights
from components.core.metrics.tables import floats
from components.core.schemas import OUTCOME_COLUMNS, of_endpoint, require_columns

Floats = npt.NDArray[np.float64]


def horizon_of(head: HeadConfig) -> float | None:
    """Return the day by which the head's binary view asks; None where it has none of its own."""
    if head.kind == "survival":
        return float(head.horizons_days[-1])
    return head.horizon_days if head.kind == "binary" else None


def endpoint_of(head: HeadConfig) -> str:
    """Return the endpoint that the head answers of; "" is the label's, or none."""
    return head.endpoint if head.kind == "binary" or head.kind == "survival" else ""


def view_weights(head: HeadConfig, frame: pd.DataFrame, fit_frame: pd.DataFrame) -> Floats:
    """Return `[n]` weights of the records' binary view; 0 where it is not known.

    A head with a horizon of its own has those of `components.core.metrics.ipcw.ipcw_weights`; of a
    patient with several records in `fit_frame` the first one counts. The label's binary head has
    the column `weight`. A target is seen or not: its records weigh 1.

    Args:
        head: settings.
        frame: records with the endpoint's `time_days` and `event_code`, or with `weight`.
        fit_frame: training records, on which censoring is estimated.

    Raises:
        InputError: a column is missing, or a known record was followed beyond everyone in
            `fit_frame`.
    """
    horizon = horizon_of(head)
    if horizon is None:
        of_label = head.kind == "binary" and not head.target
        return frame["weight"].to_numpy(np.float64) if of_label else np.ones(len(frame))
    endpoint = endpoint_of(head)
    time, code = _followed(frame, endpoint)
    known = ~np.isnan(time)
    fit_time, fit_code = _patients(fit_frame, endpoint)
    found = np.zeros(len(frame))
    if known.any():
        found[known] = ipcw_weights(
            time[known], code[known], horizon, fit_time=fit_time, fit_event=fit_code
        )
    return found


def censoring_of(endpoint: str, fit_frame: pd.DataFrame) -> CensoringCurve:
    """Return the curve of staying uncensored for an endpoint among the patients of `fit_frame`.

    Raises:
        InputError: a column is missing, or nobody has a time.
    """
    return censoring_curve(*_patients(fit_frame, endpoint))


def _patients(frame: pd.DataFrame, endpoint: str) -> tuple[Floats, Floats]:
    time, code = _followed(frame, endpoint)
    known = ~np.isnan(time)
    if not known.any():
        raise InputError(
            f"nobody among {len(frame)} training records was followed for the endpoint "
            f"'{endpoint or 'of the label'}', so its censoring cannot be estimated; leave its head "
            "out or bring times"
        )
    first = known & ~frame["patient_id"].where(known).duplicated().to_numpy()
    return time[first], code[first]


def _followed(frame: pd.DataFrame, endpoint: str) -> tuple[Floats, Floats]:
    names = [of_endpoint(column, endpoint) for column in OUTCOME_COLUMNS]
    require_columns(frame, names, "the prepared cohort")
    time, code = (floats(frame, name) for name in names)
    return time, code
