"""Simple models on the same patients and folds: what the network must be worth more than."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from components.core.data.arrays import ArrayPart
from components.core.data.cohort import Rows
from components.core.data.tabular import fit_tabular, tabular_frame
from components.core.data.values import ecg_values
from components.core.modalities import EMBEDDED, ArrayModality
from components.core.schemas import TABULAR_PREFIX, codes
from components.core.signals.summary import summarise
from components.evaluate.event_features import EventNumbers
from components.evaluate.media_features import features_of, width_of
from components.evaluate.regression import Cases, fit_regression, holds_out

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Predict = Callable[[npt.NDArray[np.floating[Any]]], Floats]
_CHUNK = 256
# Below a million numbers threads gain little and wait for each other: beside other work on two
# cores gradient boosting on 425 × 30 took 0.6 to 11 s with two threads and 0.1 s with one.
_SMALL = 1_000_000


class Features:
    """Numbers for the simple models: summaries of ECGs, pictures, sounds and events; embeddings.

    They are fixed functions of each recording; they are computed once and kept for all folds. What
    is fitted (scaling, encoding) or chosen (items of events) is so inside each fold.

    Attributes:
        events: of event sequences.
    """

    def __init__(self, fs: float) -> None:
        self.events = EventNumbers()
        self._fs = fs
        self._kept: dict[str, npt.NDArray[np.float32]] = {}
        self._media: dict[tuple[ArrayModality, str], Singles] = {}

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

    def media(self, rows: Rows, name: ArrayModality) -> Singles:
        """Return `[n, features]` of an array modality, NaN where a record lacks it."""
        part, ids = rows.arrays[name], rows.frame["sample_id"].tolist()
        out = np.full((len(rows), width_of(name, part.reader.shape)), np.nan, np.float32)
        there = np.flatnonzero(part.there)
        wanted = np.array([i for i in there if (name, ids[i]) not in self._media], np.int64)
        for first in range(0, len(wanted), _CHUNK):
            index = wanted[first : first + _CHUNK]
            for i, row in zip(index, _media(name, part, index), strict=True):
                self._media[name, ids[i]] = row
        for i in there:
            out[i] = self._media[name, ids[i]]
        return out

    def all_media(self, rows: Rows) -> Singles:
        """Return `[n, features]` of all array modalities side by side; `[n, 0]` without any.

        Each embedding has a last column that says whether the record has it.
        """
        parts = [np.zeros((len(rows), 0), np.float32)]
        for name, part in rows.arrays.items():
            parts.append(self.media(rows, name))
            if name in EMBEDDED:
                parts.append(part.there[:, None].astype(np.float32))
        return np.concatenate(parts, axis=1)

    def _summaries(self, rows: Rows, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        values, where = ecg_values(rows, index)
        return summarise(values, self._fs, **where)


def _media(name: ArrayModality, part: ArrayPart, index: npt.NDArray[np.int64]) -> Singles:
    return features_of(name, part.values(index), part.valid(index))


def _regression(cases: Cases) -> Predict:
    return fit_regression(cases).predict


def _gradient_boosting(cases: Cases) -> Predict:
    # Shallow, slow and few: what small cohorts bear without tuning. Early stopping, which would
    # set in by itself above 10,000 rows, holds out rows, not patients.
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_depth=3, min_samples_leaf=20, l2_regularization=1.0,
        early_stopping=False,  # pyright: ignore[reportArgumentType] - the stub knows 'auto' only
        random_state=0,
    )  # fmt: skip
    # A strip of a few seconds has no heart rate in anyone, and a column of gaps cannot be binned.
    known = np.isfinite(cases.x).any(axis=0)
    model.fit(cases.x[:, known], cases.label, sample_weight=cases.weight)
    return lambda x: np.asarray(model.predict_proba(x[:, known])[:, 1], dtype=np.float64)


def _random_forest(cases: Cases) -> Predict:
    # So many trees that another seed hardly changes an answer; leaves of five rows.
    forest = RandomForestClassifier(500, min_samples_leaf=5, max_features="sqrt", random_state=0)
    model = make_pipeline(SimpleImputer(), forest)
    known = np.isfinite(cases.x).any(axis=0)  # an empty column would take the draws of others
    weight = {"randomforestclassifier__sample_weight": cases.weight}
    model.fit(cases.x[:, known], cases.label, **weight)
    return lambda x: np.asarray(model.predict_proba(x[:, known])[:, 1], dtype=np.float64)


MAKERS: dict[str, Callable[[Cases], Predict]] = {
    "logistic_regression": _regression,
    "gradient_boosting": _gradient_boosting,
    "random_forest": _random_forest,
}


def can_learn(name: str, seen: Rows) -> bool:
    """Return whether a baseline can be fitted to rows: one that chooses by inner folds needs more.

    Args:
        name: a key of `MAKERS`.
        seen: of both classes.
    """
    if MAKERS[name] is not _regression:
        return True
    label = seen.frame["label"].to_numpy(np.int64)
    return holds_out(label, codes(seen.frame["patient_id"]))


def _few_threads(numbers: int) -> AbstractContextManager[object]:
    """Return a context in which a small fit runs on one thread: threads would wait for threads."""
    return threadpool_limits(1) if numbers < _SMALL else nullcontext()


def design(
    seen: list[Rows], test: Rows, features: Features, test_features: Features | None = None
) -> tuple[Singles, Singles]:
    """Return covariates `[n, p]` of the seen rows and `[m, p]` of the test rows.

    Tabular features by an encoder fitted on the seen rows, the summaries of the ECG, in which a
    missing lead is NaN, the embedded notes and the numbers of pictures, sounds and embeddings, NaN
    where there is none; of each embedding also whether it is there. Of event sequences counts and
    last values of the items that most of the seen patients have.
    """
    columns = seen[0].stats.tabular.columns
    frame = pd.concat([rows.frame for rows in seen], ignore_index=True)
    encoder = fit_tabular(tabular_frame(frame, columns, TABULAR_PREFIX))
    items = features.events.chosen(seen)

    def join(table: pd.DataFrame, parts: list[Rows], own: Features) -> Singles:
        tabular = encoder.transform(tabular_frame(table, columns, TABULAR_PREFIX))
        more = [
            np.concatenate(
                [own.ecg(rows), _notes(rows), own.all_media(rows), own.events.numbers(rows, items)],
                axis=1,
            )
            for rows in parts
        ]
        return np.concatenate([tabular, np.concatenate(more)], axis=1)

    return join(frame, seen, features), join(test.frame, [test], test_features or features)


def _notes(rows: Rows) -> Singles:
    return np.where(rows.text_mask[:, None], rows.text, np.float32("nan"))


def fit_predict(
    name: str,
    seen: list[Rows],
    test: Rows,
    features: Features,
    test_features: Features | None = None,
) -> Floats:
    """Return `[n]` logits of a baseline for the test rows.

    Args:
        name: a key of `MAKERS`.
        seen: train and validation rows: the patients that the network has seen, too.
        test: rows to be predicted.
        features: of the ECGs.
        test_features: of the test rows' ECGs, where they are of another cohort.
    """
    frame = pd.concat([rows.frame for rows in seen], ignore_index=True)
    x, asked = design(seen, test, features, test_features)
    cases = Cases(
        x=x,
        label=frame["label"].to_numpy(np.int64),
        weight=frame["weight"].to_numpy(np.float64),
        groups=codes(frame["patient_id"]),
    )
    with _few_threads(x.size + asked.size):
        probability = MAKERS[name](cases)(asked)
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(inside) - np.log1p(-inside)
