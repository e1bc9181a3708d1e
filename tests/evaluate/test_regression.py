"""The penalty of logistic regression: chosen on whole patients, by weighted loss, within folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.core.errors import InputError
from components.evaluate.baselines import MAKERS
from components.evaluate.regression import PENALTIES, Cases, fit_regression, inner_folds


def cases(rows: int = 300, *, visits: int = 1, seed: int = 0, gain: float = 1.0) -> Cases:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    label = (rng.random(rows) < 1 / (1 + np.exp(1 - gain * x[:, 0]))).astype(np.int64)
    groups = np.arange(rows)
    return Cases(
        x=np.repeat(x, visits, axis=0),
        label=np.repeat(label, visits),
        weight=np.ones(rows * visits),
        groups=np.repeat(groups, visits),
    )


def test_losses_are_scikit_learns_on_the_same_inner_folds() -> None:
    own = cases()
    own = replace(own, weight=np.random.default_rng(1).uniform(0.2, 4, own.label.size))
    found = fit_regression(own)
    for penalty, loss in zip(PENALTIES, found.losses, strict=True):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, tol=1e-8))
        held = cross_val_predict(
            model, own.x, own.label, cv=inner_folds(own), method="predict_proba",
            params={"logisticregression__sample_weight": own.weight},
        )  # fmt: skip
        expected = log_loss(own.label, held[:, 1], sample_weight=own.weight)
        assert loss == pytest.approx(expected, abs=1e-5)
    assert found.penalty == PENALTIES[int(np.argmin(found.losses))]
    whole = make_pipeline(StandardScaler(), LogisticRegression(C=found.penalty, tol=1e-8))
    whole.fit(own.x, own.label, logisticregression__sample_weight=own.weight)
    np.testing.assert_allclose(found.predict(own.x), whole.predict_proba(own.x)[:, 1], atol=1e-4)


def test_weights_count_in_the_choice_of_the_penalty() -> None:
    """Rows that contradict the rest choose the penalty once they carry the weight."""
    signal, noise = cases(gain=3.0), cases(seed=1, gain=0.0)
    both = Cases(
        x=np.concatenate([signal.x, noise.x]),
        label=np.concatenate([signal.label, noise.label]),
        weight=np.ones(600),
        groups=np.arange(600),
    )
    telling = replace(both, weight=np.repeat([1.0, 1e-6], 300))
    chance = replace(both, weight=np.repeat([1e-6, 1.0], 300))
    assert fit_regression(telling).penalty >= 100 * fit_regression(chance).penalty


def test_a_patient_is_never_on_both_sides_of_an_inner_fold() -> None:
    own = cases(120, visits=4)
    shuffled = np.random.default_rng(0).permutation(own.label.size)
    own = replace(own, x=own.x[shuffled], label=own.label[shuffled], groups=own.groups[shuffled])
    folds = inner_folds(own)
    assert len(folds) == 5
    for train, held in folds:
        assert not set(own.groups[train]) & set(own.groups[held])
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(480))


def test_copies_of_a_patient_do_not_pass_for_evidence() -> None:
    """Held-out copies would be predicted by memory, and the weakest penalty would win."""
    rng = np.random.default_rng(2)
    x, label = rng.normal(size=(60, 40)), np.tile([0, 1, 0], 20)
    once = Cases(x=x, label=label, weight=np.ones(60), groups=np.arange(60))
    often = Cases(
        x=np.repeat(x, 5, axis=0), label=np.repeat(label, 5), weight=np.ones(300),
        groups=np.repeat(np.arange(60), 5),
    )  # fmt: skip
    assert fit_regression(often).penalty <= 0.01
    apart = replace(often, groups=np.arange(300))
    assert fit_regression(apart).penalty == max(PENALTIES)
    assert fit_regression(once).penalty <= 0.03


def test_few_events_make_fewer_folds_and_one_makes_none() -> None:
    own = cases(60)
    few = replace(own, label=(np.arange(60) < 3).astype(np.int64))
    assert len(inner_folds(few)) == 3
    alone = replace(own, label=(np.arange(60) < 1).astype(np.int64))
    with pytest.raises(InputError, match=r"learn from 1 patient\(s\) with and 59 without .* bring"):
        fit_regression(alone)
    one_patient = replace(few, groups=np.maximum(np.arange(60), 2))
    with pytest.raises(InputError, match=r"1 patient\(s\) with and 57 without the event, too few"):
        fit_regression(one_patient)


def test_missing_columns_and_values_are_borne() -> None:
    own = cases()
    x = own.x.copy()
    x[::3, 1] = np.nan
    x[:, 2] = np.nan
    found = fit_regression(replace(own, x=x)).predict(x)
    assert np.isfinite(found).all()


def test_gradient_boosting_grows_every_tree_in_a_large_cohort() -> None:
    """By itself it would hold out a tenth of the rows, of patients it also learns from."""
    own = cases(10_050, gain=0.0)
    small = replace(own, x=own.x[:, :1])
    predict = MAKERS["gradient_boosting"](small)
    held = [c.cell_contents for c in predict.__closure__ or ()]
    (model,) = (each for each in held if hasattr(each, "n_iter_"))
    assert model.n_iter_ == 150


def test_more_columns_than_rows_give_the_same_regression() -> None:
    """Turned into the span of the rows the fit and its penalty are those of all columns."""
    rng = np.random.default_rng(3)
    own = cases(80, gain=2.0)
    wide = replace(own, x=np.concatenate([own.x, rng.normal(size=(80, 150))], axis=1))
    found = fit_regression(wide)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=found.penalty, tol=1e-8))
    model.fit(wide.x, wide.label)
    asked = rng.normal(size=(20, 156))
    np.testing.assert_allclose(found.predict(asked), model.predict_proba(asked)[:, 1], atol=1e-4)
    held = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=PENALTIES[0], tol=1e-8)),
        wide.x, wide.label, cv=inner_folds(wide), method="predict_proba",
    )  # fmt: skip
    assert found.losses[0] == pytest.approx(log_loss(wide.label, held[:, 1]), abs=1e-5)
