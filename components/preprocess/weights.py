"""Per fold, the weight of every record by inverse probability of censoring."""

from __future__ import annotations

import pandas as pd

from components.core.config.sections import LabelConfig
from components.core.data.cohort import WEIGHT_PREFIX
from components.core.metrics.ipcw import ipcw_weights
from components.core.schemas import PART_PREFIX, fold_names
from components.preprocess.labels import Labelled

_WEIGHTED = {"ipcw", "survival"}


def fold_weights(
    frame: pd.DataFrame, label: LabelConfig, labelled: Labelled
) -> dict[str, pd.Series]:
    """Return per fold the weight of every record; censoring is estimated on its training part."""
    found: dict[str, pd.Series] = {}
    for fold in fold_names(frame):
        weight = pd.Series(1.0, index=frame.index)
        if labelled.timed and label.censoring in _WEIGHTED and label.horizon_days is not None:
            train = frame[f"{PART_PREFIX}{fold}"] == "train"
            weight = _ipcw(frame, labelled, train, label.horizon_days)
        found[f"{WEIGHT_PREFIX}{fold}"] = weight
    return found


def _ipcw(frame: pd.DataFrame, labelled: Labelled, train: pd.Series, horizon: float) -> pd.Series:
    known = frame[labelled.time.loc[frame.index].notna()]
    patients = known[train.loc[known.index]].drop_duplicates("patient_id").index
    time, code = labelled.time.loc[known.index], labelled.code.loc[known.index]
    weights = ipcw_weights(
        time.to_numpy(float),
        code.to_numpy(float),
        horizon,
        fit_time=time.loc[patients].to_numpy(float),
        fit_event=code.loc[patients].to_numpy(float),
    )
    # Without times there is no outcome at the horizon, as in a record censored before it.
    return pd.Series(weights, index=known.index).reindex(frame.index, fill_value=0.0)
