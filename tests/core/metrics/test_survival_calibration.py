"""Calibration of risks by a horizon: by hand, against Aalen-Johansen, on planted truth."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.drawn_incidence import incidence_at
from components.core.metrics.followed import followed
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.metric import RowWeights
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.survival_calibration import (
    calibration_at,
    calibration_groups,
    gap_by_chance,
    group_count,
)
from tests.core.metrics.survival_data import cohort

HORIZONS = (60.0, 200.0)


@pytest.mark.parametrize("death", [0.0, 0.4])
@pytest.mark.parametrize("ties", [False, True])
def test_incidence_in_each_draw_is_aalen_johansens(death: float, ties: bool) -> None:
    time, code, _ = cohort(3, 150, ties=ties, death=death)
    counts = np.random.default_rng(0).integers(0, 3, (4, 150))
    weights = RowWeights(counts, np.arange(150))
    found = incidence_at(followed(time, code), HORIZONS).evaluate(weights)
    for drawn, row in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(150), drawn)
        wanted = [cumulative_incidence(time[rows], code[rows], h).value for h in HORIZONS]
        assert row.tolist() == pytest.approx(wanted)


def test_incidence_takes_fractional_weights() -> None:
    sample = followed([1, 2, 3, 4, 9], [1, 2, 0, 1, 0])
    weight = np.array([0.1, 0.3, 0.2, 0.3, 0.1])
    found = incidence_at(sample, (5,)).evaluate(RowWeights.observed(5, weight))
    assert found[0, 0] == pytest.approx(0.1 + 0.6 * 0.3 / 0.4)


def test_incidence_is_unknown_where_nobody_was_followed_so_far() -> None:
    sample = followed([1, 2, 3], [1, 0, 0])
    assert np.isnan(incidence_at(sample, (5.0,)).evaluate(RowWeights.observed(3))).all()
    # Where everyone had an event nothing more can come.
    ended = incidence_at(followed([1, 2], [1, 2]), (5.0,)).evaluate(RowWeights.observed(2))
    assert ended.tolist() == [[0.5]]
    early = incidence_at(followed([5.0, 9.0], [1, 0]), (2.0,)).evaluate(RowWeights.observed(2))
    assert early.tolist() == [[0.0]]


def test_a_horizon_must_be_positive() -> None:
    with pytest.raises(InputError, match="the horizon is 0 days"):
        incidence_at(followed([1], [1]), (0,))


@pytest.mark.parametrize(("events", "groups"), [(5, 1), (39, 1), (40, 2), (1000, 10)])
def test_groups_are_as_many_as_the_events_bear(events: int, groups: int) -> None:
    assert group_count(followed(np.ones(events), np.ones(events)), 5) == groups


def planted(n: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times, codes and the true risk by day 200; death competes, half are censored."""
    rng = np.random.default_rng(1)
    onset, death = 0.003 * np.exp(rng.normal(size=n)), np.full(n, 0.002)
    total = onset + death
    time = rng.exponential(1 / total)
    code = np.where(rng.random(n) < onset / total, 1, 2)
    lost = rng.uniform(0, 800, n)
    code = np.where(lost < time, 0, code)
    return np.minimum(time, lost), code, onset / total * (1 - np.exp(-200 * total))


def test_the_true_risk_is_calibrated_with_death_competing() -> None:
    time, code, truth = planted()
    sample = followed(time, code)
    plan = Plan(draws=200)
    within = clusters(np.arange(time.size), (code == 1) * 1.0, weight=None, plan=plan)
    own, half = (
        list(
            intervals(
                calibration_at(sample, risk[:, None], (200.0,)), within, weight=None, plan=plan
            ).values()
        )
        for risk in (truth, truth / 2)
    )
    assert own[0].value == pytest.approx(cumulative_incidence(time, code, 200).value)
    assert own[1].value == pytest.approx(truth.mean())
    assert own[2].lo < 1 < own[2].hi
    assert own[3].value < 0.02
    assert half[2].value == pytest.approx(2 * own[2].value)
    assert half[2].lo > 1.5
    assert half[3].value == pytest.approx(truth.mean() / 2, abs=0.02)


def test_the_error_is_the_mean_gap_of_the_groups() -> None:
    time, code, truth = planted(1500)
    sample = followed(time, code)
    groups = calibration_groups(sample, truth, 200.0)
    size = np.array([group.patients for group in groups])
    gaps = [abs(group.observed.value - group.predicted) for group in groups]
    found = calibration_at(sample, truth[:, None], (200.0,)).value(RowWeights.observed(1500))
    assert found["calibration_error@200"] == pytest.approx(np.average(gaps, weights=size))
    assert size.sum() == 1500
    assert len(groups) == group_count(sample, 200.0) > 5
    predicted = [group.predicted for group in groups]
    assert predicted == sorted(predicted)
    assert sum(group.events for group in groups) == ((code == 1) & (time <= 200)).sum()


def test_equal_predictions_share_a_group_that_may_be_unknown() -> None:
    sample = followed(np.r_[np.ones(40), 5.0, 6.0], np.r_[np.ones(40), 0, 0])
    risk = np.r_[np.full(40, 0.9), 0.1, 0.1]
    low, high = calibration_groups(sample, risk, 7.0)
    assert (low.patients, low.events, high.patients, high.events) == (2, 0, 40, 40)
    assert np.isnan(low.observed.value)
    assert low.observed.method == "nobody was followed so far"


def test_a_group_that_was_not_drawn_adds_nothing() -> None:
    sample = followed(np.r_[np.ones(40), np.full(40, 9.0)], np.r_[np.ones(40), np.zeros(40)])
    risk = np.r_[np.full(40, 0.8), np.full(40, 0.1)][:, None]
    counts = np.r_[np.ones(40, dtype=np.int64), np.zeros(40, dtype=np.int64)][None]
    (row,) = calibration_at(sample, risk, (5.0,)).evaluate(RowWeights(counts, np.arange(80)))
    assert row.tolist() == pytest.approx([1.0, 0.8, 1.25, 0.2])


def test_the_gap_by_chance_is_that_of_simulated_calibrated_risks() -> None:
    rng = np.random.default_rng(0)
    gaps, told = [], []
    for _ in range(60):
        risk = rng.uniform(0.2, 0.8, 400)
        sample = followed(np.full(400, 5.0), (rng.random(400) < risk) * 1)
        groups = calibration_groups(sample, risk, 5.0)
        gaps.append(np.mean([abs(each.observed.value - each.predicted) for each in groups]))
        told.append(gap_by_chance(groups))
    assert np.mean(gaps) == pytest.approx(np.mean(told), rel=0.1)


def test_no_probability_is_refused() -> None:
    sample = followed([1, 2], [1, 0])
    with pytest.raises(InputError, match=r"the predicted risk is 1.2, outside \[0, 1\]"):
        calibration_groups(sample, [0.5, 1.2], 1)
    with pytest.raises(InputError, match=r"the predicted risk has 3 rows where 2"):
        calibration_at(sample, np.zeros((3, 1)), (1,))
