"""What is said of a network beside the best simple model."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from components.core.metrics.interval import Interval
from components.evaluate.analyses import endpoint_baselines
from components.evaluate.analyses.endpoint_baselines import verdict
from components.evaluate.endpoints.outlook import Outlook
from components.evaluate.endpoints.rivals import Against, Rival


def interval(value: float, lo: float, hi: float) -> Interval:
    return Interval(value, lo, hi, 100, 0, "test")


def rival(name: str, validation: float, gap: Interval) -> Rival:
    own = interval(0.7, 0.6, 0.8)
    return Rival(
        name=name,
        validation=validation,
        figures={"auroc": own, "auprc": own},
        gap={"auroc": gap, "auprc": gap},
    )


def against(*rivals: Rival, powered: bool = True) -> Against:
    return Against(
        outlook=Outlook(name="back", endpoint="recurrence", horizon_days=730, primary=False),
        patients=100,
        events=30,
        prevalence=0.3,
        powered=powered,
        network={"auroc": interval(0.72, 0.6, 0.8), "auprc": interval(0.5, 0.4, 0.6)},
        rivals=rivals,
    )


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ((-0.10, -0.15, -0.02), "worse than"),
        ((-0.01, -0.04, 0.02), "loses against"),
        ((0.05, 0.01, 0.09), "better than"),
        ((0.01, -0.03, 0.05), "no worse by more than 0.05 than"),
        ((0.01, -0.06, 0.08), "not shown to be better than"),
    ],
)
def test_words_follow_the_interval(bounds: tuple[float, float, float], said: str) -> None:
    found = against(rival("random_forest", 0.8, interval(*bounds)))
    text = verdict(found)
    assert text.startswith(f"back: {said} the best simple model (random forest; difference")
    assert found.best.gap["auroc"].text() in text
    (notice,) = endpoint_baselines._notices([found])
    assert notice.level == ("note" if said == "better than" else "warning")


def test_the_best_is_that_of_validation_whatever_the_test_part_says() -> None:
    worse = rival("logistic_regression", 0.81, interval(0.2, 0.1, 0.3))
    better = rival("random_forest", 0.80, interval(-0.2, -0.3, -0.1))
    unknown = rival("gradient_boosting", math.nan, interval(-0.3, -0.4, -0.2))
    assert against(better, worse, unknown).best is worse
    assert "underpowered" in verdict(against(better, powered=False))


def test_every_simple_model_is_tracked_under_its_head() -> None:
    one = rival("random_forest_narrow", 0.8, interval(0.1, 0.0, 0.2))
    assert set(endpoint_baselines._tracked(against(one))) == {
        "head/back/minus_best_baseline",
        *(f"head/back/baseline/random_forest_narrow/{name}{end}"
          for name in ("auroc", "auprc") for end in ("", "_diff")),
    }  # fmt: skip


def test_without_a_simple_model_that_could_be_fitted_nothing_is_best() -> None:
    found = replace(against(), folds=3, left_out={"logistic_regression": 2})
    assert found.best is None
    assert verdict(found) == "back: no best simple model is known to compare the network with"
    assert endpoint_baselines._tracked(found) == {}
    assert endpoint_baselines._kept([found]).empty
    said, left_out = endpoint_baselines._notices([found])
    assert said.level == left_out.level == "warning"
    assert "logistic regression is left out, since in 2 of 3 folds" in left_out.text


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (3, "in 2 of 3 folds the validation patients are all of one class and rank no simple "
            "model; the AUROC on validation is of the other folds."),
        (2, "in 2 of 2 folds the validation patients are all of one class and rank no simple "
            "model; no AUROC on validation is known, and none is the best."),
    ],
)  # fmt: skip
def test_without_other_folds_none_are_spoken_of(folds: int, said: str) -> None:
    found = replace(against(), folds=folds, unvalidated=2)
    _, notice = endpoint_baselines._notices([found])
    assert notice.text == f"back: {said}"
