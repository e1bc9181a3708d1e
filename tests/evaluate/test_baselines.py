"""The simple models: on the same patients, without a look at the test rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.core.data.cohort import Rows, read_part, rows_of
from components.evaluate.baselines import MAKERS, Features, fit_predict
from components.evaluate.regression import Cases
from tests.evaluate.conftest import Example

NAMES = sorted(MAKERS)


def parts(done: Example) -> tuple[list[Rows], Rows]:
    stage = done.behind.cohort
    (fold,) = stage.facts["folds"]
    return [read_part(stage, fold, p) for p in ("train", "val")], rows_of(stage, fold, "test")


@pytest.mark.parametrize("name", NAMES)
def test_test_rows_teach_nothing(name: str, examples: Callable[[str], Example]) -> None:
    seen, test = parts(examples("holdout"))
    whole = fit_predict(name, seen, test, Features(500))
    upside_down = test.frame.assign(label=1 - test.frame["label"], **{"tab.noise": 99.0})
    changed = fit_predict(name, seen, replace(test, frame=upside_down), Features(500))
    few = test.take(np.arange(5, dtype=np.int64))
    np.testing.assert_allclose(fit_predict(name, seen, few, Features(500)), whole[:5])
    noise_only = replace(test, frame=test.frame.assign(**{"tab.noise": 99.0}))
    np.testing.assert_array_equal(fit_predict(name, seen, noise_only, Features(500)), changed)
    assert roc_auc_score(test.label, whole) > 0.75


@pytest.mark.parametrize("name", NAMES)
def test_the_same_patients_give_the_same_model(
    name: str, examples: Callable[[str], Example]
) -> None:
    seen, test = parts(examples("holdout"))
    first, second = (fit_predict(name, seen, test, Features(500)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()


def test_weights_of_censoring_count(examples: Callable[[str], Example]) -> None:
    seen, test = parts(examples("holdout"))
    weights = np.where(seen[0].label == 1, 5.0, 1.0)
    heavy = [replace(seen[0], frame=seen[0].frame.assign(weight=weights)), seen[1]]
    for name in NAMES:
        plain = fit_predict(name, seen, test, Features(500))
        assert fit_predict(name, heavy, test, Features(500)).mean() > plain.mean() + 0.3


def test_ecg_summaries_are_computed_once_per_recording(
    examples: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, _ = parts(examples("ecg"))
    features = Features(500)
    first = features.ecg(seen[0])
    assert first.shape[0] == len(seen[0])
    assert first.shape[1] > 20
    monkeypatch.setattr(Features, "_summaries", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(features.ecg(seen[0]), first)
    tabular, _ = parts(examples("holdout"))
    assert features.ecg(tabular[0]).shape == (len(tabular[0]), 0)


def test_a_column_without_a_value_is_no_reason_to_fail() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    label = (x[:, 0] > 0).astype(np.int64)
    gaps = np.c_[x, np.full(80, np.nan)]
    for make in MAKERS.values():
        plain, gapped = (
            make(Cases(x=each, label=label, weight=np.ones(80), groups=np.arange(80)))(each)
            for each in (x, gaps)
        )
        np.testing.assert_allclose(gapped, plain, atol=1e-6)
