"""What a confidence head learns from: was the other head right about patients it had not seen?

Correctness on its own training patients would teach that a network is always right. So networks of
inner folds answer for the patients that each was not trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from components.core.config.heads import ConfidenceHead
from components.core.data.cohort import Rows
from components.core.errors import InputError
from components.core.heads.known import truth_column
from components.core.metrics.patients import by_patient
from components.core.metrics.threshold import youden_threshold
from components.core.schemas import TRUTH_PREFIX

Floats = npt.NDArray[np.float64]
# fit(train rows, name, seed offset) -> predict(rows) -> log-odds of the judged head [n].
Fit = Callable[[Rows, str, int], Callable[[Rows], Floats]]
# Two networks that differ in their seed alone agree or do not.
_NETWORKS = {"out_of_fold": 1, "disagreement": 2}


def with_truth(
    name: str, head: ConfidenceHead, train: Rows, val: Rows | None, *, fit: Fit, seed: int
) -> tuple[Rows, Rows | None]:
    """Return both parts with the column `y.<name>`: 1 right (or agreed on), 0 not.

    A training record is judged by the network of the inner fold that lacks its patient, a
    validation record by the first network of every inner fold together. The call is at the
    threshold of greatest Youden index over the judged training records.

    Args:
        name: of the confidence head.
        head: its settings.
        train: training rows.
        val: validation rows; None for a refit.
        fit: trains the judged head alone on some rows.
        seed: of the inner folds.

    Raises:
        InputError: too few patients of a class for the inner folds.
    """
    column = truth_column(head.of, train.frame)
    logits, networks = _out_of_fold(head, train, column, fit, seed)
    threshold = _threshold(train, column, logits[0])
    judged = _judged(train, column, logits, threshold)
    train = _with(train, f"{TRUTH_PREFIX}{name}", judged)
    if val is None:
        return train, None
    each = [np.mean([net(val) for net in nets], axis=0) for nets in networks]
    return train, _with(val, f"{TRUTH_PREFIX}{name}", _judged(val, column, each, threshold))


def _out_of_fold(
    head: ConfidenceHead, train: Rows, column: str, fit: Fit, seed: int
) -> tuple[list[Floats], list[list[Callable[[Rows], Floats]]]]:
    """Return per network of an inner fold the log-odds `[n]` of every record, and the networks."""
    count = _NETWORKS[head.truth]
    logits = [np.full(len(train), np.nan) for _ in range(count)]
    networks: list[list[Callable[[Rows], Floats]]] = [[] for _ in range(count)]
    label = train.frame[column].fillna(0).to_numpy(np.int64)
    known = train.frame[column].notna().to_numpy()
    _check_size(head, train.frame[known], column)
    folds = StratifiedGroupKFold(head.inner_folds, shuffle=True, random_state=seed)
    cuts = folds.split(np.zeros(len(train)), label, train.frame["patient_id"].to_numpy())
    for number, (seen, unseen) in enumerate(cuts):
        part = train.take(seen[known[seen]])
        for place in range(count):
            network = fit(part, f"inner{number}", place)
            logits[place][unseen] = network(train.take(unseen))
            networks[place].append(network)
    return logits, networks


def _check_size(head: ConfidenceHead, known: pd.DataFrame, column: str) -> None:
    patients = known.groupby("patient_id")[column].max()
    counts = patients.value_counts()
    rare = int(counts.min()) if len(counts) > 1 else 0
    if rare < head.inner_folds:
        raise InputError(
            f"the rarer class of '{head.of}' has {rare} training patients, fewer than "
            f"{head.inner_folds} inner folds; bring more data or lower inner_folds"
        )


def _threshold(train: Rows, column: str, logit: Floats) -> float:
    frame = train.frame[["patient_id", "weight"]].assign(label=train.frame[column], logit=logit)
    patients = by_patient(frame)
    return youden_threshold(patients.label, patients.logit, patients.weight)


def _judged(rows: Rows, column: str, logits: list[Floats], threshold: float) -> Floats:
    """Return `[n]` 1 right or agreed on, 0 not, NaN where that cannot be said."""
    if len(logits) > 1:
        return ((logits[0] >= threshold) == (logits[1] >= threshold)).astype(np.float64)
    truth = rows.frame[column].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    right = (logits[0] >= threshold) == (truth == 1)
    return np.where(np.isnan(truth), np.nan, right.astype(np.float64))


def _with(rows: Rows, column: str, values: Floats) -> Rows:
    return replace(rows, frame=rows.frame.assign(**{column: values}))
