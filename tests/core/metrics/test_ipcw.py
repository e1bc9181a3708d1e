"""Censoring weights by hand, against torchsurv, and against the truth of a simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.core.errors import InputError
from components.core.metrics.ipcw import censoring_curve, ipcw_weights, label_at_horizon

# Six subjects: censored at 2 and 4, event at 3, death at 4, event-free until 6, event at 8.
TIME = [2.0, 3.0, 4.0, 4.0, 6.0, 8.0]
EVENT = [0, 1, 0, 2, 0, 1]


def test_curve_by_hand() -> None:
    curve = censoring_curve(TIME, EVENT)
    assert curve.time.tolist() == [2, 4, 6]
    # 6 at risk at 2; at 4 there are 4 less the one who died then; at 6 there are 2.
    np.testing.assert_allclose(curve.survival, [5 / 6, 5 / 6 * 2 / 3, 5 / 6 * 2 / 3 * 1 / 2])
    np.testing.assert_allclose(
        curve.before(np.array([1.0, 2, 2.5, 4, 5])), [1, 1, 5 / 6, 5 / 6, 5 / 9]
    )


def test_weights_by_hand() -> None:
    weights = ipcw_weights(TIME, EVENT, 5.0, fit_time=TIME, fit_event=EVENT)
    np.testing.assert_allclose(weights, [0, 6 / 5, 0, 6 / 5, 9 / 5, 9 / 5])
    labels = label_at_horizon(TIME, EVENT, 5.0)
    np.testing.assert_array_equal(labels, [np.nan, 1, np.nan, 0, 0, 0])


def test_weights_add_up_to_the_cohort() -> None:
    weights = ipcw_weights(TIME, EVENT, 5.0, fit_time=TIME, fit_event=EVENT)
    assert weights.sum() == pytest.approx(len(TIME))


def test_everybody_followed_exactly_to_the_horizon_needs_no_weight() -> None:
    time, event = [365.0, 365.0, 100.0], [0, 0, 1]
    weights = ipcw_weights(time, event, 365, fit_time=time, fit_event=event)
    assert weights.tolist() == [1, 1, 1]
    assert label_at_horizon(time, event, 365).tolist() == [0, 0, 1]


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_agrees_with_torchsurv_where_no_times_are_tied() -> None:
    from torchsurv.stats.ipcw import get_ipcw

    rng = np.random.default_rng(0)
    time, event = rng.permutation(np.arange(1.0, 101)), rng.integers(0, 2, 100)
    event[np.argmax(time)] = 1
    at = time[event == 1]
    theirs = get_ipcw(
        torch.tensor(event, dtype=torch.bool), torch.tensor(time), new_time=torch.tensor(at)
    )
    curve = censoring_curve(time, event)
    np.testing.assert_allclose(1 / curve.before(at), theirs.numpy(), rtol=1e-5)


def test_weighted_prevalence_is_unbiased_where_exclusion_is_not() -> None:
    rng = np.random.default_rng(1)
    onset, dropout = rng.exponential(800, 20_000), rng.exponential(500, 20_000)
    time, event = np.minimum(onset, dropout), (onset <= dropout).astype(int)
    weights = ipcw_weights(time, event, 365, fit_time=time, fit_event=event)
    labels = label_at_horizon(time, event, 365)
    truth = 1 - np.exp(-365 / 800)
    assert np.nansum(weights * labels) / weights.sum() == pytest.approx(truth, abs=0.01)
    assert np.nanmean(labels) > truth + 0.05


def test_a_horizon_beyond_all_follow_up_is_refused() -> None:
    with pytest.raises(InputError, match=r"beyond 6 days .* 1 labels at 9 days have no weight"):
        ipcw_weights([9.0], [1], 10.0, fit_time=[2.0, 6.0], fit_event=[1, 0])


@pytest.mark.parametrize(
    ("time", "event", "horizon", "message"),
    [
        ([-1.0], [0], 5, "follow-up time is -1 days"),
        ([1.0], [3], 5, "event code is 3; known are 0 censored"),
        ([1.0], [0], 0, "the horizon is 0 days"),
        ([], [], 5, "no follow-up times"),
        ([1.0, 2.0], [0], 5, "event code has 1 rows where 2"),
    ],
)
def test_bad_follow_up_is_refused(
    time: list[float], event: list[int], horizon: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ipcw_weights(time, event, horizon, fit_time=time, fit_event=event)
