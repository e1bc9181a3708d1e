"""Simple models of an endpoint, on all inputs and on the narrow ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from components.core.data.cohort import read_part
from components.evaluate.analysis import Context
from components.evaluate.baselines import fit_predict
from components.evaluate.endpoints import rivals
from components.evaluate.endpoints.outlook import outlooks
from tests.evaluate.conftest import Example, context_of


@pytest.fixture(scope="module")
def context(examples: Callable[[str], Example]) -> Iterator[Context]:
    done = examples("embedded")
    found = context_of(done)
    with pytest.MonkeyPatch.context() as patch:
        split = found.opening.test_split
        patch.setattr("components.core.data.held_out.run_tag", lambda *_: split)
        yield found


def test_inputs_of_many_columns_are_wide_unless_all_are(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = context.tests[0].rows
    assert rivals.wide_inputs(rows) == ()
    monkeypatch.setattr(rivals, "NARROW", 6)
    assert rivals.wide_inputs(rows) == ("emb_semantic", "emb_pathological")
    monkeypatch.setattr(rivals, "NARROW", 1)
    assert rivals.wide_inputs(rows) == ()


def test_narrow_models_do_not_see_the_wide_inputs(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "NARROW", 6)
    primary = outlooks(context.task)[0]
    parts = rivals._parts(context, primary, context.tests[0])
    wide = rivals.wide_inputs(parts[0])
    name = "logistic_regression_narrow"
    found = rivals._fitted(context, name, parts, wide)
    train, val, _ = (rivals._without(rows, wide) for rows in parts)
    assert set(train.arrays) == {"emb_clinical", "emb_temporal", "emb_spatial"}
    plain = name.removesuffix("_narrow")
    expected = fit_predict(plain, [train], val, context.features)
    np.testing.assert_array_equal(found[0], expected)
    whole = rivals._fitted(context, plain, parts, ())
    assert not np.allclose(found[1], whole[1])


def test_an_endpoint_is_fitted_to_its_own_outcome_alone(context: Context) -> None:
    second = outlooks(context.task)[1]
    train, val, test = rivals._parts(context, second, context.tests[0])
    cohort = context.stages.cohort
    own = read_part(cohort, "holdout", "train", unlabelled=True).frame
    assert len(train) == own["y.recurrence"].notna().sum() != own["label"].notna().sum()
    np.testing.assert_array_equal(train.label, own.loc[own["y.recurrence"].notna(), "y.recurrence"])
    assert (train.weight >= 1).all()
    patients = [set(rows.frame["patient_id"]) for rows in (train, val, test)]
    assert not patients[0] & patients[2]
    assert not patients[1] & patients[2]


def test_narrow_models_stand_beside_the_others(
    context: Context, examples: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "NARROW", 6)
    task = context.task.with_settings({"evaluate.baselines": ["logistic_regression"]})
    found = rivals.against(replace(context, task=task), outlooks(task)[0])
    assert [each.name for each in found.rivals] == [
        "logistic_regression", "logistic_regression_narrow",
    ]  # fmt: skip
    figures = examples("embedded").stage.facts["figures"]
    own = figures["baseline/logistic_regression/auroc"]
    assert found.rivals[0].figures["auroc"].value == pytest.approx(own)
    assert found.network["auroc"].value == pytest.approx(figures["test/auroc"])
