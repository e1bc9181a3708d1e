"""Weights of an endpoint's binary view by inverse probability of its own censoring."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import BinaryHead, HeadMap
from components.core.metrics.ipcw import ipcw_weights
from components.core.schemas import MANIFEST, OUTCOME_COLUMNS, PART_PREFIX, of_endpoint
from components.core.store import Stage


def training_rows(cohort: Stage, fold: str) -> pd.DataFrame:
    """Return the manifest rows of a fold's training part, whatever is known of them."""
    frame = pd.read_parquet(cohort.folder / MANIFEST)
    return frame[frame[f"{PART_PREFIX}{fold}"] == "train"]


def endpoint_weights(
    head: BinaryHead, frame: pd.DataFrame, fitted: pd.DataFrame
) -> npt.NDArray[np.float64]:
    """Return the weight `[n]` of each record's binary view; 0 where it is not known.

    Args:
        head: with an endpoint.
        frame: manifest rows.
        fitted: rows on which censoring is estimated, one a patient taken.
    """
    time, code = (of_endpoint(column, head.endpoint) for column in OUTCOME_COLUMNS)
    patients = fitted[fitted[time].notna()].drop_duplicates("patient_id")
    timed = frame[time].notna().to_numpy()
    found = np.zeros(len(frame))
    found[timed] = ipcw_weights(
        frame.loc[timed, time].to_numpy(np.float64),
        frame.loc[timed, code].to_numpy(np.float64),
        float(head.horizon_days or 0),
        fit_time=patients[time].to_numpy(np.float64),
        fit_event=patients[code].to_numpy(np.float64),
    )
    return found


def own_weights(
    heads: HeadMap, cohort: Stage, fold: str, frame: pd.DataFrame
) -> dict[str, npt.NDArray[np.float64]]:
    """Return head → `[n]` weights of the binary heads that have an endpoint.

    Args:
        heads: all of them.
        cohort: the prepared one.
        fold: on whose training part censoring is estimated.
        frame: manifest rows.
    """
    named = {n: h for n, h in heads.items() if isinstance(h, BinaryHead) and h.endpoint}
    fitted = training_rows(cohort, fold) if named else frame
    return {name: endpoint_weights(head, frame, fitted) for name, head in named.items()}
