"""The bound against draws counted out by hand, against the paired interval, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from components.core.comparison.one_sided import lower_bound
from components.core.comparison.paired import headline_name, paired
from components.core.errors import ConfigError, InputError
from components.core.metrics.resampling import Plan
from tests.compare.conftest import predictions
from tests.core.comparison.models import judged_of

PLAN = Plan(draws=300, seed=4)


def pair(folds: int = 1, patients: int = 200) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a weaker and a stronger model's predictions; two repeats where there are folds."""
    weak, strong = (
        _repeated(skill, patients=patients, folds=folds, noise=noise)
        for skill, noise in ((0.4, 1), (0.5, 2))
    )
    return weak, strong


def _repeated(skill: float, *, patients: int, folds: int, noise: int) -> pd.DataFrame:
    first = predictions(skill, patients=patients, folds=folds, noise=noise)
    if folds == 1:
        return first
    again = predictions(skill, patients=patients, folds=folds, noise=noise + 10)
    fold = (np.arange(patients) // 2) % folds
    split = [f"r1f{k}" for k in fold]
    return pd.concat([first, again.assign(repeat=1, fold=fold, split=split)], ignore_index=True)


def by_hand(weak: pd.DataFrame, strong: pd.DataFrame, plan: Plan, level: float) -> float:
    """Return the bound from rows written out once per time that their patient was drawn."""
    ids = sorted(weak["patient_id"].unique())
    gaps = []
    for number in range(plan.draws):
        picked = np.random.default_rng((plan.seed, number)).integers(
            0, len(ids), size=len(ids), dtype=np.uint32
        )
        rows = np.concatenate([np.flatnonzero(weak["patient_id"] == ids[i]) for i in picked])
        aurocs = []
        for frame in (strong.iloc[rows], weak.iloc[rows]):
            cells = [cell for _, cell in frame.groupby(["repeat", "fold"])]
            each = [
                roc_auc_score(c["label"], c["logit"], sample_weight=c["weight"])
                for c in cells
                if c["label"].nunique() == 2
            ]
            aurocs.append(np.mean(each))
        gaps.append(aurocs[0] - aurocs[1])
    events = int(weak.groupby("patient_id")["label"].max().sum())
    rarest = min(events, len(ids) - events)
    # Hesterberg (2015): Student's quantile, widened; a degree of freedom is lost to each fold.
    freedom = rarest - weak["fold"].nunique()
    t = stats.t.ppf(1 - level, freedom) * np.sqrt(rarest / freedom)
    return float(np.quantile(gaps, stats.norm.cdf(t)))


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("folds", [1, 3])
def test_the_bound_is_that_of_draws_written_out(folds: int, level: float) -> None:
    weak, strong = pair(folds, patients=60)
    plan = replace(PLAN, draws=25, strata="never")
    found = lower_bound(judged_of(weak), judged_of(strong, "B"), plan, level=level)
    assert found.lower == pytest.approx(by_hand(weak, strong, plan, level), abs=1e-12)
    assert found.level == level


def test_the_bound_is_the_end_of_the_paired_interval_of_90_percent() -> None:
    weak, strong = (judged_of(frame) for frame in pair())
    found = lower_bound(weak, strong, PLAN)
    interval = paired(weak, strong, replace(PLAN, level=0.9))["auroc"]
    assert (found.value, found.lower) == pytest.approx((interval.value, interval.lo), abs=1e-14)
    assert found.lower > paired(weak, strong, PLAN)["auroc"].lo
    assert "one-sided 95 %, the lower end of: paired difference" in found.method
    assert "within-fold" not in found.method


def test_under_cross_validation_the_bound_is_a_little_below_that_end() -> None:
    weak, strong = (judged_of(frame) for frame in pair(4))
    assert headline_name(weak) == "auroc_within_fold"
    found = lower_bound(weak, strong, PLAN)
    interval = paired(weak, strong, replace(PLAN, level=0.9))["auroc_within_fold"]
    assert found.value == interval.value
    assert paired(weak, strong, PLAN)["auroc_within_fold"].lo < found.lower < interval.lo
    assert "mean of within-fold figures, variance of training not included" in found.method


@pytest.mark.parametrize("folds", [1, 4])
def test_swapped_models_negate_the_difference_and_turn_the_draws_over(folds: int) -> None:
    weak, strong = (judged_of(frame) for frame in pair(folds))
    there, back = lower_bound(weak, strong, PLAN), lower_bound(strong, weak, PLAN)
    interval = paired(weak, strong, replace(PLAN, level=0.9))[headline_name(weak)]
    assert back.value == -there.value != 0
    if folds == 1:
        assert back.lower == pytest.approx(-interval.hi)
    assert back.lower <= -interval.hi + 1e-12
    assert back.lower < back.value


def test_a_model_is_not_better_than_its_own_predictions() -> None:
    one = judged_of(predictions(0.5))
    found = lower_bound(one, one, PLAN)
    assert (found.value, found.lower) == (0, 0)


def test_the_plans_own_level_does_not_matter_but_that_of_the_bound_does() -> None:
    weak, strong = (judged_of(frame) for frame in pair())
    assert lower_bound(weak, strong, PLAN) == lower_bound(weak, strong, replace(PLAN, level=0.5))
    lax, strict = (lower_bound(weak, strong, PLAN, level=x).lower for x in (0.9, 0.99))
    assert strict < lower_bound(weak, strong, PLAN).lower < lax


def test_draws_without_a_figure_are_told() -> None:
    frames = [frame.iloc[:12].assign(weight=1.0, label=[1, *[0] * 11]) for frame in pair()]
    weak, strong = (judged_of(frame) for frame in frames)
    found = lower_bound(weak, strong, replace(PLAN, strata="never"))
    assert found.method.endswith("draws")
    assert ", undefined in 1" in found.method
    assert np.isfinite(found.lower)


def test_a_test_part_without_events_passes_no_rule() -> None:
    weak, strong = (judged_of(frame.assign(label=0)) for frame in pair())
    found = lower_bound(weak, strong, PLAN)
    assert np.isnan([found.value, found.lower]).all()
    assert not found.lower > -1


@pytest.mark.parametrize("level", [0.5, 1.0, 95.0, float("nan")])
def test_a_level_out_of_range_is_refused(level: float) -> None:
    weak, strong = (judged_of(frame) for frame in pair())
    with pytest.raises(
        ConfigError, match=rf"one-sided bound is {level}; give a value between 0.5 and 1, 0.95 for"
    ):
        lower_bound(weak, strong, PLAN, level=level)


def test_models_that_cannot_be_paired_are_refused() -> None:
    weak, strong = pair()
    with pytest.raises(InputError, match=r"tested on different splits .*same patients"):
        lower_bound(judged_of(weak), judged_of(strong, "B", split="f" * 64), PLAN)
    with pytest.raises(InputError, match="A and B were tested on different patients; compare"):
        lower_bound(judged_of(weak), judged_of(strong.iloc[:-1], "B"), PLAN)
