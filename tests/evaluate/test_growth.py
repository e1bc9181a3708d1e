"""Nested subsets of training patients, and what is fitted on them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.base import validate
from components.core.config.evaluate import EvaluateConfig, LearningCurveConfig
from components.core.data.cohort import folds, rows_of
from components.core.errors import ConfigError
from components.core.metrics.resampling import Plan
from components.evaluate.baselines import Features, fit_predict
from components.evaluate.growth import Growth, grow, subsets, training_patients
from tests.evaluate.conftest import Example

SHARES = (0.25, 0.5, 1.0)


def labels(events: int = 20, others: int = 60) -> pd.Series:
    names = [f"p{i:03d}" for i in range(events + others)]
    return pd.Series(np.repeat([1, 0], [events, others]), index=names)


def test_shares_are_nested_stratified_and_reproducible() -> None:
    found = subsets(labels(), SHARES, draws=3, seed=(0, 4))
    assert [(s.share, len(s.patients), s.events) for s in found] == [
        *[(0.25, 20, 5)] * 3, *[(0.5, 40, 10)] * 3, (1.0, 80, 20),
    ]  # fmt: skip
    for draw in range(3):
        small, large = (set(s.patients) for s in found if s.draw == draw and s.share < 1)
        assert small < large
    assert len({frozenset(s.patients) for s in found}) == 7
    positive = set(labels().index[labels() == 1])
    assert all(len(positive & set(s.patients)) == s.events for s in found)
    again = subsets(labels().sample(frac=1, random_state=1), SHARES, draws=3, seed=(0, 4))
    assert [s.patients.tolist() for s in again] == [s.patients.tolist() for s in found]
    other = subsets(labels(), SHARES, draws=3, seed=(0, 5))
    assert set(other[0].patients) != set(found[0].patients)


def context(done: Example, **settings: Any) -> Any:
    """Return what an analysis of `done` sees."""
    cohort = done.behind.cohort
    tests = [
        SimpleNamespace(fold=fold, rows=rows_of(cohort, fold, "test")) for fold in folds(cohort)
    ]
    config = EvaluateConfig.model_validate({"learning_curve": {"shares": SHARES} | settings})
    return SimpleNamespace(
        stages=done.behind, tests=tests, plan=Plan(draws=200), features=Features(500),
        task=SimpleNamespace(evaluate=config),
    )  # fmt: skip


def test_each_fit_has_seen_its_own_subset_only(examples, monkeypatch) -> None:
    done = examples("folds")
    own = context(done, draws=8)
    asked: list[set[str]] = []

    def spy(name, seen, test, features):
        asked.append({p for rows in seen for p in rows.frame["patient_id"]})
        assert not asked[-1] & set(test.frame["patient_id"])
        for rows in seen:
            np.testing.assert_array_equal(len(rows.frame), len(rows.tabular))
        return np.zeros(len(test))

    monkeypatch.setattr("components.evaluate.growth.fit_predict", spy)
    found = grow(own)
    assert found is not None
    _, patients = training_patients(own, own.tests[0].fold)
    assert sorted({len(p) for p in asked}) == [30, 60, 120]
    assert len(patients) == 120
    # Four folds, eight draws: two draws each, and everyone once.
    assert found.sizes.groupby("share").size().tolist() == [8, 8, 4]
    assert found.sizes["patients"].tolist()[0] == 30


def test_everyone_is_the_baseline_itself(examples) -> None:
    done = examples("holdout")
    own = context(done, draws=2)
    found = grow(own)
    assert found is not None
    seen, _ = training_patients(own, "holdout")
    logit = fit_predict("logistic_regression", seen, own.tests[0].rows, Features(500))
    whole = found.predictions[found.predictions["share"] == 1]
    expected = dict(zip(own.tests[0].rows.frame["patient_id"], logit, strict=True))
    assert dict(zip(whole["patient_id"], whole["logit"], strict=True)) == pytest.approx(expected)
    smaller = found.predictions[found.predictions["share"] == 0.5]
    assert smaller.groupby("repeat")["logit"].std().gt(0).all()
    assert sorted(smaller["repeat"].unique()) == [0, 1]


def test_shares_with_too_few_events_are_left_out(examples, monkeypatch) -> None:
    monkeypatch.setattr(
        "components.evaluate.growth.fit_predict", lambda name, seen, test, _: np.zeros(len(test))
    )
    own = context(examples("holdout"), draws=2)
    events = int(training_patients(own, "holdout")[1].sum())
    monkeypatch.setattr("components.evaluate.growth.INNER_FOLDS", round(0.25 * events) + 1)
    found = grow(own)
    assert isinstance(found, Growth)
    assert sorted(found.sizes["share"].unique()) == [0.5, 1.0]
    monkeypatch.setattr("components.evaluate.growth.INNER_FOLDS", round(0.5 * events) + 1)
    assert grow(own) is None


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.2, 1.0], [0.2, 0.8], [0.0, 1.0], [0.5, 1, 1]])
def test_shares_that_are_no_curve_are_refused(shares: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"'shares' in x .* ascending, the last one 1"):
        validate(LearningCurveConfig, {"shares": shares}, "x")
