"""The bootstrap over several classes: the same draws, a plain loop's figures, honest sizes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from components.core.errors import CardioError, ConfigError, InputError
from components.core.metrics import class_bootstrap as module
from components.core.metrics import resampling
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.class_bootstrap import (
    all_class_metrics,
    class_bootstrap,
    class_figures,
    class_paired_difference,
    class_statistic,
)
from components.core.metrics.class_metric import class_sample
from components.core.metrics.resampling import Plan, clusters, replicate
from tests.core.metrics.class_data import NAMES, class_data
from tests.core.metrics.data import predictions
from tests.core.metrics.test_bootstrap import drawn_rows

FEW = Plan(draws=25, seed=3)


@pytest.mark.parametrize("weighted", [False, True])
def test_each_draw_is_what_a_plain_loop_computes(
    weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resampling, "_BLOCK", 10**9)
    data = class_data(1, patients=120)
    sample = data.sample(weighted=weighted)
    statistic = class_statistic(sample, all_class_metrics())
    y = data.y.astype(float)
    within = clusters(data.patient, y, weight=None, plan=FEW)
    found = replicate(statistic, within, weight=sample.weight, plan=FEW)
    drawn = SimpleNamespace(y=y, patient=data.patient)
    for rows, figures in zip(drawn_rows(drawn, FEW), found, strict=True):
        part = class_sample(
            data.y[rows],
            data.probs[rows],
            names=NAMES,
            weight=data.weight[rows] if weighted else None,
        )
        wanted = class_figures(part, all_class_metrics())
        assert dict(zip(statistic.names, figures, strict=True)) == pytest.approx(
            wanted, abs=1e-9, nan_ok=True
        )


def test_two_classes_have_the_binary_intervals() -> None:
    data = predictions(31)
    plan = Plan(draws=200)
    sample = class_sample(data.y, np.stack([1 - data.prob, data.prob], axis=1), weight=data.weight)
    ours = class_bootstrap(sample, data.patient, metrics=["auroc_from"], plan=plan)["auroc_from/1"]
    wanted = bootstrap(
        data.y, data.prob, data.patient, metrics=["auroc"], weight=data.weight, plan=plan
    )["auroc"]
    assert (ours.value, ours.lo, ours.hi) == pytest.approx((wanted.value, wanted.lo, wanted.hi))
    assert ours.method == wanted.method


def test_a_rare_class_is_drawn_apart_and_widens_what_rests_on_it() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [150, 140, 4])
    logits = np.eye(3)[y] + rng.normal(size=(294, 3))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    plain, wide = (
        class_bootstrap(
            class_sample(y, probs),
            np.arange(294),
            metrics=["accuracy", "auroc", "macro_f1", "auroc_from", "confusion"],
            plan=Plan(draws=300, corrected=corrected),
        )
        for corrected in (False, True)
    )
    assert "apart" in wide["accuracy"].method
    assert wide["auroc/2"].undefined == 0

    def ratio(name: str) -> float:
        return (wide[name].hi - wide[name].lo) / (plain[name].hi - plain[name].lo)

    for name in ("accuracy", "confusion/0/1"):
        assert 1 <= ratio(name) < 1.02
    # Another kind of interval, but with 144 patients on the smaller side no wider one.
    for name in ("auroc/0", "auroc_from/1"):
        assert 0.9 < ratio(name) < 1.12
    for name in ("auroc/2", "macro_f1", "auroc_from/2"):
        assert ratio(name) > 1.2


def test_a_model_against_another_and_itself() -> None:
    data = class_data(2)
    worse = class_sample(data.y, 0.5 * data.probs + 0.5 * data.probs[::-1], names=NAMES)
    found = class_paired_difference(
        data.sample(), worse, data.patient, metrics=["accuracy", "auroc"], plan=FEW
    )
    assert found["auroc/severe"].lo > 0
    assert found["accuracy"].method.startswith("paired difference, 95 %")
    same = class_paired_difference(
        worse, worse, data.patient, metrics=["quadratic_kappa", "log_loss"], plan=FEW
    )
    assert all((i.value, i.lo, i.hi) == (0, 0, 0) for i in same.values())


def test_bad_requests_are_refused() -> None:
    data = class_data(3)
    sample = data.sample()
    with pytest.raises(ConfigError, match="no class metric 'acuracy'; did you mean 'accuracy'"):
        class_bootstrap(sample, data.patient, metrics=["acuracy"])
    with pytest.raises(InputError, match="no metric was asked for"):
        class_figures(sample, [])
    other = class_sample(data.y, data.probs)
    with pytest.raises(InputError, match="not tested on the same rows and classes"):
        class_paired_difference(sample, other, data.patient, metrics=["accuracy"])


def test_a_name_can_be_taken_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (all_class_metrics()["accuracy"],) * 2
    all_class_metrics.cache_clear()
    monkeypatch.setattr(module, "discovered", lambda name: twice)
    with pytest.raises(CardioError, match="two class metrics are named 'accuracy'"):
        all_class_metrics()
    all_class_metrics.cache_clear()


@pytest.mark.parametrize(
    ("y", "probs", "options", "message"),
    [
        ([0, 1], [[0.5, 0.5]], {}, r"shape \(1, 2\) for 2 classes"),
        ([0, 1], [0.5, 0.5], {}, r"shape \(2,\) for 2 classes"),
        ([0, 0], [[1.0], [1.0]], {}, "one column per class, two at least"),
        ([], np.zeros((0, 3)), {}, r"shape \(0, 3\) for 0 classes"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], {}, "the class is 2 in 1 of 2 rows; with 2 columns"),
        ([0, 0.5], [[0.5, 0.5], [0.5, 0.5]], {}, "the class is 0.5 in 1 of 2 rows"),
        ([0, -1], [[0.5, 0.5], [0.5, 0.5]], {}, "a whole number from 0 to 1"),
        ([0, 1], [[0.5, 0.5], [1.5, -0.5]], {}, r"row 1 holds a probability outside \[0, 1\]"),
        ([0, 1], [[np.nan, 0.5], [0.5, 0.5]], {}, "row 0 holds a probability outside"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.4]], {}, "probabilities of row 1 add up to 0.9"),
        ([0, 1], [[0.5, 0.5]] * 2, {"names": ["a", "b c"]}, "class name 'b c' cannot stand"),
        ([0, 1], [[0.5, 0.5]] * 2, {"names": ["a", "a"]}, "1 different class names for 2 columns"),
        ([0, 1], [[0.5, 0.5]] * 2, {"names": "abc"}, "3 different class names for 2 columns"),
        ([0, 1], [[0.5, 0.5]] * 2, {"weight": [1]}, "the weight has 1 rows where 2"),
    ],
)
def test_bad_predictions_are_refused(y: object, probs: object, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        class_sample(y, np.array(probs), **options)  # type: ignore[arg-type]
