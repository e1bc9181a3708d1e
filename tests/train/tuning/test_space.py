"""What is searched for: models' suggestions, training, the task file's changes."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from components.core.config.task import TaskConfig, load_task
from components.core.errors import ConfigError
from components.core.models.registry import model_config, models_by_name
from components.train.tuning.quiet import quiet
from components.train.tuning.searchable import present_settings
from components.train.tuning.space import (
    search_space,
    space_digest,
    space_from_json,
    space_json,
    suggested,
    untuned,
)

MODELS = sorted(models_by_name())


def task(overrides: str = "", **space: Any) -> TaskConfig:
    loaded = load_task("ctrcd", overrides=overrides)
    tune = type(loaded.tune).model_validate({**loaded.tune.model_dump(), "space": space})
    return loaded.model_copy(update={"tune": tune})


@pytest.mark.parametrize("name", MODELS)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_model_suggests_its_own_settings_and_always_the_same(name: str, seed: int) -> None:
    with quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        trial = study.ask()
        drawn = models_by_name()[name].suggest(trial)
    assert dict(trial.distributions) == suggested(name)
    assert {f"model.{key}": value for key, value in drawn.items()} == trial.params
    assert set(drawn) <= set(models_by_name()[name].Config.model_fields)
    valid = model_config({"name": name, **drawn}).model_dump()
    assert {key: valid[key] for key in drawn} == drawn


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_space_that_holds_its_defaults(name: str) -> None:
    chosen = task().with_settings({"model": {"name": name}})
    space = search_space(chosen)
    assert set(suggested(name)) < set(space)
    own = untuned(chosen, space)
    assert set(own) == set(space)
    present = present_settings(chosen)
    assert all(own[key] == present[key] for key in own)
    for key, each in space.items():
        assert each._contains(each.to_internal_repr(own[key]))
    assert chosen.with_settings(own) == chosen


def test_ranges_are_widened_and_choices_added() -> None:
    space = search_space(task("model.width=40 model.dropout=0.7 fit.lr=0.05 model.depth=2"))
    assert space["model.width"] == CategoricalDistribution([16, 24, 32, 40, 48, 64])
    assert space["model.dropout"] == FloatDistribution(0.0, 0.7)
    assert space["fit.lr"] == FloatDistribution(1e-4, 0.05, log=True)
    assert space["model.depth"] == IntDistribution(2, 6)


def test_the_task_file_changes_the_space() -> None:
    changed = task(**{
        "model.width": [8, 32],
        "model.depth": None,
        "model.head_hidden": {"low": 16, "high": 64, "step": 16},
        "fit.lr": {"low": 1e-3, "high": 1e-1, "log": True},
        "fit.warmup": {"low": 0, "high": 0.5, "step": 0.1},
        "fit.class_weights": ["balanced", "none"],
    })  # fmt: skip
    space = search_space(changed)
    assert space["model.width"] == CategoricalDistribution((8, 32))
    assert "model.depth" not in space
    assert space["model.head_hidden"] == IntDistribution(16, 64, step=16)
    assert space["fit.lr"] == FloatDistribution(1e-3, 1e-1, log=True)
    assert space["fit.warmup"] == FloatDistribution(0, 0.5, step=0.1)
    assert space["fit.class_weights"] == CategoricalDistribution(["balanced", "none"])


def test_whole_ends_draw_real_numbers_on_request() -> None:
    wanted = {"low": 1, "high": 4, "real": True}
    assert search_space(task(**{"fit.grad_clip": wanted}))["fit.grad_clip"] == FloatDistribution(
        1, 4
    )


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("model.widht", [8], r"'model\.widht', which is no setting .*did you mean 'model\.width'"),
        ("preprocess.split.seed", [8], r"which is no setting to be searched for"),
        ("fit.refit", [True, False], r"'fit\.refit', which is no setting"),
        ("fit.singles", [True, False], r"'fit\.singles', which is no setting"),
        (
            "fit.device",
            ["cpu"],
            r"'fit\.device', .*: it bears on no trial's .*; set it in the task",
        ),
        ("model.name", ["ecg"], r"'model\.name', .*: each model has a space .*make one search for"),
        ("model.init_from", ["a", "b"], r"'model\.init_from', .*: a trunk brings its own statis"),
        ("model.image_weights", ["a"], r"'model\.image_weights', .*: its file is looked up"),
        ("fit.seeds", [0, 1], r"'fit\.seeds', whose value is several values"),
        ("model.kernel", [8], r"'kernel' .* is '8': must be odd"),
        ("model.dropout", {"low": 0.0, "high": 1.5}, r"'dropout' .* is '1\.5'"),
        ("fit.batch", {"low": 16, "high": 64, "step": 1.5}, r"step 1\.5 between whole numbers"),
        ("model.depth", {"low": 3, "high": 6, "step": 2}, r"step 2, of which no whole number"),
        ("model.depth", {"low": 3, "high": 7, "step": 2}, r"is 4, which the steps of its range"),
        ("fit.lr", {"low": 1, "high": 2}, r"'fit\.lr' is 0\.\d+, which the steps of its range"),
        ("fit.monitor", {"low": 1, "high": 2}, r"'fit\.monitor' is auprc, which a range of num"),
    ],
)
def test_a_wrong_change_is_told(name: str, wanted: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_space(task(**{name: wanted}))


@pytest.mark.parametrize(
    ("name", "choices"),
    [("fit.class_weights", ["balanced", "none"]), ("fit.multitask", ["fixed", "uncertainty"])],
)
def test_what_changes_the_loss_is_not_searched_for_by_the_loss(
    name: str, choices: list[str]
) -> None:
    by_loss = "tune.objective=loss"
    with pytest.raises(
        ConfigError,
        match=rf"'tune\.space' has '{name}', which changes what the loss is, .*: take it out, or",
    ):
        search_space(task(by_loss, **{name: choices}))
    assert name in search_space(task(**{name: choices}))
    # `ce` and `bce` are the same function of the data.
    space = search_space(task(by_loss, **{name: None, "fit.loss": ["ce", "bce"]}))
    assert "fit.loss" in space


def test_zero_stands_in_no_logarithmic_range() -> None:
    with pytest.raises(ConfigError, match=r"'fit\.weight_decay' is 0.*without log, or null as"):
        search_space(task("fit.weight_decay=0"))
    search_space(task("fit.weight_decay=0", **{"fit.weight_decay": {"low": 0.0, "high": 0.1}}))


def test_nothing_left_to_search_for() -> None:
    nothing: dict[str, Any] = dict.fromkeys(search_space(task()))
    with pytest.raises(ConfigError, match=r"'tune\.space' takes every setting out"):
        search_space(task(**nothing))


def test_the_digest_knows_the_space_and_not_its_order() -> None:
    space = search_space(task())
    turned = dict(reversed(space.items()))
    assert space_digest(turned) == space_digest(space)
    assert space_digest(search_space(task(**{"fit.batch": [16, 32]}))) != space_digest(space)
    assert space_from_json(space_json(space)) == space


def test_balancing_settings_of_branches_are_searched_for() -> None:
    """As the task of pictures and sounds has them: its own values are the first trial."""
    wanted: dict[str, Any] = {
        "fit.lr": {"low": 3e-5, "high": 1e-3, "log": True},
        "fit.batch": [8, 16, 32],
        "fit.auxiliary": {"low": 0.0, "high": 0.6},
        "fit.modality_dropout": {"low": 0.0, "high": 0.4},
        "fit.modulation": ["none", "ogm_ge"],
    }
    own = task(**wanted).with_settings(
        {"model": {"name": "multimodal"}, "fit.auxiliary": 0.2, "fit.modality_dropout": 0.1}
    )
    space = search_space(own)
    assert {*wanted, "model.image_width", "model.sound_width", "fit.weight_decay"} < set(space)
    assert untuned(own, space)["fit.modality_dropout"] == 0.1
    assert untuned(own, space)["fit.modulation"] == "none"
    assert search_space(own.with_settings({"tune.objective": "loss"})) == space
