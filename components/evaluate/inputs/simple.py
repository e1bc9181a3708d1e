"""Logistic regression on each input by itself and on all: fitted on the training part alone.

Validation stays unseen by them, so that the best can be chosen there. The clinical fields are
encoded by an encoder fitted on the same training part; pictures and sounds are the fixed features
of `evaluate.media_features`, event sequences the counts and last values of
`evaluate.event_features`, of items that most patients of the training part have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.cohort import Rows
from components.core.data.tabular import fit_tabular, tabular_frame
from components.core.modalities import ARRAYS, EVENTS, ArrayModality
from components.core.schemas import TABULAR_PREFIX, codes
from components.evaluate.baselines import Features
from components.evaluate.regression import Cases, fit_regression

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
TOGETHER = "together"


@dataclass(frozen=True, kw_only=True, eq=False)
class Simple:
    """A simple model of some inputs.

    Attributes:
        name: an input, or `together`.
        validation: `[v]` log-odds of the validation part.
        test: `[n]` log-odds of the test part.
    """

    name: str
    validation: Floats
    test: Floats


def simple_models(
    parts: tuple[Rows, Rows, Rows], inputs: Sequence[str], features: Features
) -> list[Simple]:
    """Return one regression per input with numbers in training, and one on all of them.

    Args:
        parts: train, validation and test rows of a fold.
        inputs: of the model.
        features: kept between folds.

    Raises:
        InputError: fewer than two training patients of a class.
    """
    wanted = [name for name in inputs if name in ("tabular", EVENTS, *ARRAYS)]
    each = {name: list(_columns(parts, name, features)) for name in wanted}
    named = {name: own for name, own in each.items() if np.isfinite(own[0]).any()}
    if len(named) > 1:
        named[TOGETHER] = [
            np.concatenate(each, axis=1) for each in zip(*named.values(), strict=True)
        ]
    return [_fitted(name, own, parts[0]) for name, own in named.items()]


def _columns(parts: tuple[Rows, Rows, Rows], name: str, features: Features) -> Iterable[Singles]:
    """Yield `[n, p]` of each part, NaN where a record lacks an array or item."""
    if name == EVENTS:
        items = features.events.chosen(parts[:1])
        yield from (features.events.numbers(rows, items) for rows in parts)
        return
    if name != "tabular":
        yield from (features.media(rows, cast(ArrayModality, name)) for rows in parts)
        return
    columns = parts[0].stats.tabular.columns
    frames = [tabular_frame(rows.frame, columns, TABULAR_PREFIX) for rows in parts]
    encoder = fit_tabular(frames[0])
    yield from (encoder.transform(frame) for frame in frames)


def _fitted(name: str, columns: Sequence[Singles], train: Rows) -> Simple:
    known = np.isfinite(columns[0]).any(axis=0)
    frame: pd.DataFrame = train.frame
    model = fit_regression(
        Cases(
            x=columns[0][:, known],
            label=frame["label"].to_numpy(np.int64),
            weight=frame["weight"].to_numpy(np.float64),
            groups=codes(frame["patient_id"]),
        )
    )
    val, test = (_log_odds(model.predict(each[:, known])) for each in columns[1:])
    return Simple(name=name, validation=val, test=test)


def _log_odds(probability: Floats) -> Floats:
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(inside) - np.log1p(-inside)
