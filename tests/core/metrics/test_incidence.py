"""Cumulative incidence by hand, and against scikit-survival's figures."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.metrics.incidence import cumulative_incidence, one_minus_kaplan_meier

# fmt: off
TIME = [37, 25, 27, 35, 23, 31, 33, 9, 3, 12, 12, 35, 36, 1, 20, 33, 6, 32, 5, 19, 32, 12, 14, 11,
        29, 10, 39, 18, 19, 20, 23, 22, 20, 39, 32, 31, 28, 25, 14, 39, 19, 9, 33, 7, 34, 24, 5, 2,
        18, 2, 6, 21, 38, 19, 32, 36, 33, 25, 18, 21]
EVENT = [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2, 1, 2, 1, 1, 0, 1, 1, 2, 0, 1, 0, 0, 0, 0, 2, 0, 2, 1,
         1, 1, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 2, 1, 0, 2, 2, 2, 1, 0, 0, 2, 1, 0, 2, 1, 1, 0, 1, 0]
# fmt: on
# scikit-survival 0.28.0 on these: cumulative_incidence_competing_risks(..., conf_type="log-log",
# var_type="Dinse_Approx") for the event, and kaplan_meier_estimator(..., conf_type="log-log") with
# deaths as censored, taken from 1. Horizon → value, lower, upper.
AALEN_JOHANSEN = {
    10: (0.03457040035987404, 0.00644816, 0.1059716),
    20: (0.1803036904260708, 0.0884978, 0.29810209),
    30: (0.2735484360663045, 0.15549968, 0.40540641),
}
KAPLAN_MEIER = {
    10: (0.036744505494505586, 0.00930994, 0.13915081),
    20: (0.2001416310845484, 0.10869516, 0.35170612),
    30: (0.31284894670445296, 0.1925556, 0.48221597),
}


def test_by_hand() -> None:
    # 5 at risk: event on day 1; death on day 2; censored on day 3; event on day 4 with 2 at risk.
    found = cumulative_incidence([1, 2, 3, 4, 9], [1, 2, 0, 1, 0], 5)
    assert found.value == pytest.approx(1 / 5 + 3 / 5 * 1 / 2)
    naive = one_minus_kaplan_meier([1, 2, 3, 4, 9], [1, 2, 0, 1, 0], 5)
    assert naive.value == pytest.approx(1 - 4 / 5 * 1 / 2)


@pytest.mark.parametrize("horizon", AALEN_JOHANSEN)
def test_agrees_with_scikit_survival(horizon: int) -> None:
    found = cumulative_incidence(TIME, EVENT, horizon)
    assert (found.value, found.lo, found.hi) == pytest.approx(AALEN_JOHANSEN[horizon], abs=1e-7)
    naive = one_minus_kaplan_meier(TIME, EVENT, horizon)
    assert (naive.value, naive.lo, naive.hi) == pytest.approx(KAPLAN_MEIER[horizon], abs=1e-7)
    assert naive.value > found.value


def test_without_deaths_both_are_one_and_so_is_their_variance() -> None:
    event = [min(code, 1) for code in EVENT]
    found, naive = (f(TIME, event, 20) for f in (cumulative_incidence, one_minus_kaplan_meier))
    assert found.value == pytest.approx(naive.value)

    def spread(value: float, bound: float) -> float:
        return abs(np.log(np.log(bound) / np.log(value))) * value * abs(np.log(value))

    free = 1 - naive.value
    assert spread(found.value, found.hi) == pytest.approx(spread(free, 1 - naive.lo))


def test_the_interval_covers_the_truth_in_nineteen_of_twenty() -> None:
    rng = np.random.default_rng(3)
    truth = 0.002 / 0.005 * (1 - np.exp(-0.005 * 100))
    hits = 0
    for _ in range(400):
        either, lost = rng.exponential(200, 150), rng.exponential(300, 150)
        code = np.where(either > lost, 0, np.where(rng.random(150) < 0.4, 1, 2))
        found = cumulative_incidence(np.minimum(either, lost), code, 100)
        hits += found.lo <= truth <= found.hi
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize(
    ("time", "event", "value"),
    [([9, 9], [0, 0], 0.0), ([1, 2], [1, 1], 1.0), ([9, 9], [1, 2], 0.0)],
    ids=["no event", "all", "later"],
)
def test_at_zero_and_one_there_is_no_interval(
    time: list[int], event: list[int], value: float
) -> None:
    found = cumulative_incidence(time, event, 5)
    assert found.value == value
    assert np.isnan([found.lo, found.hi]).all()


def test_an_event_on_the_last_day_counts() -> None:
    assert cumulative_incidence([5, 9], [1, 0], 5).value == 0.5


def test_follow_up_that_ends_before_the_horizon_is_refused() -> None:
    with pytest.raises(InputError, match=r"the last of 2 patients was followed to day 4, so .* 5"):
        cumulative_incidence([4, 3], [0, 1], 5)
    assert cumulative_incidence([4, 3], [2, 1], 5).value == 0.5  # nobody is left, nothing is open


@pytest.mark.parametrize("horizon", [0, float("nan")])
def test_a_wrong_horizon(horizon: float) -> None:
    with pytest.raises(InputError, match=r"the horizon is .* days; give a positive number"):
        cumulative_incidence([1.0], [1], horizon)
