"""Simple models on the same patients and folds: what the network must be worth more than."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.core.data.cohort import Rows
from components.core.data.tabular import fit_tabular, tabular_frame
from components.core.data.values import ecg_values
from components.core.schemas import TABULAR_PREFIX, codes
from components.core.signals.summary import summarise

Floats = npt.NDArray[np.float64]
# From nearly no penalty to one that leaves the mean: the inner folds choose.
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_INNER_FOLDS = 5
_CHUNK = 256


class Features:
    """Numbers for the simple models: encoded tabular features and summaries of the ECG.

    The ECG summaries are a fixed function of each recording; they are computed once and kept for
    all folds. What is fitted (scaling, encoding) is fitted inside each fold.
    """

    def __init__(self, fs: float) -> None:
        self._fs = fs
        self._kept: dict[str, npt.NDArray[np.float32]] = {}

    def ecg(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return `[n, features]` of the ECGs; `[n, 0]` for a tabular cohort."""
        if rows.reader is None:
            return np.zeros((len(rows), 0), dtype=np.float32)
        ids = rows.frame["sample_id"].tolist()
        wanted = np.array([i for i, name in enumerate(ids) if name not in self._kept])
        for first in range(0, len(wanted), _CHUNK):
            index = wanted[first : first + _CHUNK]
            for i, row in zip(index, self._summaries(rows, index), strict=True):
                self._kept[ids[i]] = row
        return np.stack([self._kept[name] for name in ids])

    def _summaries(self, rows: Rows, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        values, where = ecg_values(rows, index)
        return summarise(values, self._fs, **where)


def _pipeline_regression(groups: npt.NDArray[np.int64], label: npt.NDArray[np.int64]) -> Any:  # noqa: ANN401 - a scikit-learn estimator
    model = make_pipeline(
        SimpleImputer(keep_empty_features=True),  # a missing lead has no summary
        StandardScaler(),
        LogisticRegression(max_iter=2000),
    )
    folds = StratifiedGroupKFold(_inner(groups, label), shuffle=True, random_state=0)
    inner = list(folds.split(np.zeros(len(label)), label, groups))
    grid = {"logisticregression__C": PENALTIES}
    return GridSearchCV(model, grid, cv=inner, scoring="neg_log_loss")


def _inner(groups: npt.NDArray[np.int64], label: npt.NDArray[np.int64]) -> int:
    events = len(np.unique(groups[label == 1]))
    return max(2, min(_INNER_FOLDS, events, len(np.unique(groups[label == 0]))))


def _gradient_boosting(groups: npt.NDArray[np.int64], label: npt.NDArray[np.int64]) -> Any:  # noqa: ANN401 - a scikit-learn estimator
    del groups, label
    # Shallow, slow and few: what small cohorts bear without tuning.
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_depth=3, min_samples_leaf=20, l2_regularization=1.0,
        random_state=0,
    )  # fmt: skip


MAKERS: dict[str, Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Any]] = {
    "logistic_regression": _pipeline_regression,
    "gradient_boosting": _gradient_boosting,
}


def fit_predict(name: str, seen: list[Rows], test: Rows, features: Features) -> Floats:
    """Return `[n]` logits of a baseline for the test rows.

    Args:
        name: a key of `MAKERS`.
        seen: train and validation rows: the patients that the network has seen, too.
        test: rows to be predicted.
        features: of the ECGs.
    """
    frame = pd.concat([rows.frame for rows in seen], ignore_index=True)
    columns = seen[0].stats.tabular.columns
    encoder = fit_tabular(tabular_frame(frame, columns, TABULAR_PREFIX))
    x = np.concatenate(
        [
            encoder.transform(tabular_frame(frame, columns, TABULAR_PREFIX)),
            np.concatenate([features.ecg(rows) for rows in seen]),
        ],
        axis=1,
    )
    label = frame["label"].to_numpy(np.int64)
    weight = frame["weight"].to_numpy(np.float64)
    model = MAKERS[name](codes(frame["patient_id"]), label)
    key = "logisticregression__sample_weight" if name == "logistic_regression" else "sample_weight"
    model.fit(x, label, **{key: weight})
    tabular = encoder.transform(tabular_frame(test.frame, columns, TABULAR_PREFIX))
    x_test = np.concatenate([tabular, features.ecg(test)], axis=1)
    probability = np.clip(model.predict_proba(x_test)[:, 1], 1e-9, 1 - 1e-9)
    return np.log(probability) - np.log1p(-probability)
