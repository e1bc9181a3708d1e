"""Which evaluations have imputers, and the weights of a head's censoring."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from torch import nn

from components.core.metrics.interval import Interval
from components.evaluate.analyses import imputation
from components.evaluate.imputation import setting, words
from tests.core.imputation.linear_gaussian import CPU, NAMES, Conditional, Parts, write_parts


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("parts"), dependent=True, sizes=(80, 40, 40))


@pytest.fixture
def stages(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Any:
    own = {"train": parts.train, "val": parts.val}
    monkeypatch.setattr(setting, "folds", lambda stage: ["r0f0", "r0f1"])
    monkeypatch.setattr(setting, "members_of", lambda train, fold: [0, 1])
    monkeypatch.setattr(setting, "stats_of", lambda train, fold: parts.train.stats)
    monkeypatch.setattr(setting, "read_part", lambda stage, fold, part, **more: own[part])
    model = Conditional(parts.law, parts.train.stats)
    monkeypatch.setattr(setting, "loaded", lambda train, member: model)
    return SimpleNamespace(train=None, cohort=None, home=None)


def test_every_fold_has_an_imputer_of_its_seeds(stages: Any) -> None:
    found = setting.imputers_of(stages, CPU, seed=0)
    assert list(found) == ["r0f0", "r0f1"]
    assert found["r0f0"].names == NAMES
    assert len(found["r0f0"].models) == 2
    assert all(each.learned for each in found["r0f1"].calibration.modalities.values())


def test_other_models_and_other_cohorts_have_none(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = SimpleNamespace(**{**vars(stages), "home": stages})
    assert setting.imputers_of(elsewhere, CPU, seed=0) == {}
    monkeypatch.setattr(setting, "loaded", lambda train, member: nn.Linear(1, 1))
    assert setting.imputers_of(stages, CPU, seed=0) == {}


def test_the_test_part_is_read_whole(stages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(setting, "read_test", lambda *args, **more: asked.update(more))
    setting.held_out_rows(stages, "r0f0", None)  # type: ignore[arg-type]
    assert asked["unlabelled"]
    assert asked["stats"] is not None


def test_heads_of_other_endpoints_bring_their_own_weights() -> None:
    keys = {"sample_id": ["a", "b"], "repeat": [0, 0], "fold": [1, 1]}
    frame = pd.DataFrame(keys).assign(weight=[1.0, 2.0])
    heads = pd.DataFrame({**keys, "weight.recurrence": [3.0, np.nan]})[::-1]
    context: Any = SimpleNamespace(
        stages=SimpleNamespace(train=SimpleNamespace(facts={"head": "survival"})), heads=heads
    )
    weight = imputation._weight
    assert list(weight(context, frame, "survival")) == [1.0, 2.0]  # type: ignore[arg-type]
    assert list(weight(context, frame, "recurrence")) == [3.0, 0.0]  # type: ignore[arg-type]
    assert weight(context, frame, "other") is None
    context.heads = None
    assert weight(context, frame, "recurrence") is None


def interval(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half, 100, 0, "test")


def test_worse_than_the_mean_is_said_first() -> None:
    found = {f"all|gain_over_{way}": interval(-0.2, 0.1) for way in ("mean", "knn", "iterative")}
    told = words.verdict(found)
    assert told.startswith("Imputation is worse than the training mean: gain −0.200")
    assert "It is worse than k-NN imputation" in told
    found = {name: interval(0.0, 0.1) for name in found}
    assert "not shown to be better" in words.verdict(found)
    assert "not shown to differ from iterative" in words.verdict(found)


def test_what_nobody_had_hidden_has_no_coverage() -> None:
    at_random = {"all|coverage_90": interval(0.9, 0.01)}
    told = words.coverage_words(at_random, {"by the outcome": {}})
    assert "by the outcome" not in told
    assert "hold 90 % hold 0.900 (0.890 to 0.910)" in told


def test_modalities_that_validation_could_not_teach_are_named(parts: Parts, stages: Any) -> None:
    found = setting.imputers_of(stages, CPU, seed=0)
    few = setting.fit_fold(found["r0f0"].models, parts.train, parts.val.take(np.arange(5)), CPU)
    told = list(words.mending_words({"r0f0": found["r0f0"], "r0f1": few}))
    assert told[0].startswith("The clinical embedding: kept of the imputed distance from the mean")
    assert "in 1 of 2 fold(s) fewer than 19 validation patients could teach it" in told[0]


def test_networks_with_other_counts_of_active_units_are_told_as_a_range() -> None:
    (told,) = words.active_words({"a": [(8, 16)], "b": [(12, 16)]})
    assert "8 to 12 of 16, over 2 network(s)" in told
