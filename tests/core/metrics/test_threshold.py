"""Thresholds chosen on validation, and the figures at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as peer

from components.core.errors import InputError
from components.core.metrics.metric import Sample
from components.core.metrics.threshold import (
    NAMES,
    at_threshold,
    f1_threshold,
    family,
    youden_threshold,
)
from tests.core.metrics.data import Predictions, predictions, tied_predictions


def brute_force(data: Predictions, gain: Callable[[dict[str, float]], float]) -> float:
    """The lowest of the best observed scores, tried one by one."""
    known = np.unique(data.prob[data.weight > 0])
    gains = [gain(at_threshold(data.y, data.prob, float(cut), data.weight)) for cut in known]
    best = max(gains)
    return float(next(cut for cut, gain in zip(known, gains, strict=True) if gain >= best - 1e-9))


@given(tied_predictions())
def test_youden_is_the_best_of_all_candidates_and_the_lowest_of_equals(data: Predictions) -> None:
    wanted = brute_force(data, lambda at: at["sensitivity"] + at["specificity"])
    assert youden_threshold(data.y, data.prob, data.weight) == wanted


@given(tied_predictions())
def test_f1_is_the_best_of_all_candidates_and_the_lowest_of_equals(data: Predictions) -> None:
    wanted = brute_force(data, lambda at: at["f1"])
    assert f1_threshold(data.y, data.prob, data.weight) == wanted


def test_of_two_equal_maxima_the_more_sensitive_threshold_is_taken() -> None:
    y, score = [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]
    assert youden_threshold(y, score) == 0.2
    # Calling all four gives F1 = 2/3, and so does calling the last alone.
    assert f1_threshold([1, 0, 0, 1], [0.1, 0.2, 0.3, 0.4]) == 0.1


def test_figures_agree_with_scikit_learn() -> None:
    data = predictions(3)
    called = (data.prob >= 0.4).astype(float)
    found = at_threshold(data.y, data.prob, 0.4, data.weight)
    own: dict[str, Any] = {"sample_weight": data.weight}
    assert found == pytest.approx(
        {
            "accuracy": peer.accuracy_score(data.y, called, **own),
            "f1": peer.f1_score(data.y, called, **own),
            "sensitivity": peer.recall_score(data.y, called, **own),
            "specificity": peer.recall_score(data.y, called, pos_label=0, **own),
            "ppv": peer.precision_score(data.y, called, **own),
            "npv": peer.precision_score(data.y, called, pos_label=0, **own),
        }
    )


def test_a_score_equal_to_the_threshold_is_positive() -> None:
    assert at_threshold([1, 0], [0.5, 0.4], 0.5)["sensitivity"] == 1.0


def test_undefined_figures_are_nan() -> None:
    nobody = at_threshold([0, 1], [0.1, 0.2], 0.9)
    assert np.isnan(nobody["ppv"])
    assert nobody["npv"] == 0.5
    everybody = at_threshold([0, 0], [0.1, 0.2], 0.0)
    assert np.isnan([everybody["sensitivity"], everybody["npv"]]).all()
    assert np.isnan(at_threshold([0, 0], [0.1, 0.2], 0.9)["f1"])
    assert np.isnan(at_threshold([1, 1], [0.1, 0.2], 0.9)["specificity"])


@pytest.mark.parametrize("choose", [youden_threshold, f1_threshold])
def test_one_class_gives_no_threshold(choose: Callable[..., float]) -> None:
    with pytest.raises(InputError, match="all 2 validation rows have label 0"):
        choose([0, 0], [0.1, 0.2])
    with pytest.raises(InputError, match="all 1 validation rows have label 1"):
        choose([0, 1], [0.1, 0.2], [0.0, 1.0])


def test_a_threshold_that_is_nan_is_refused() -> None:
    with pytest.raises(InputError, match="the threshold is NaN"):
        at_threshold([0, 1], [0.1, 0.2], float("nan"))


def test_figures_without_a_threshold_are_refused() -> None:
    sample = Sample(y=np.array([0.0, 1.0]), score=np.array([0.1, 0.2]))
    with pytest.raises(InputError, match="figures at a threshold need one"):
        family(sample, NAMES)
