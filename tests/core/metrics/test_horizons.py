"""Time-dependent AUC and Brier score by hand, against scikit-survival and torchsurv, simulated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.followed import followed
from components.core.metrics.ipcw import censoring_curve, ipcw_weights, label_at_horizon
from components.core.metrics.metric import RowWeights
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.survival_brier import brier_at, integrated_brier, survival_brier
from components.core.metrics.time_auc import time_auc, time_auc_at
from tests.core.metrics.survival_data import cohort

HORIZONS = (90.0, 180.0, 365.0)
# scikit-survival 0.28.0 on `cohort(11, 120)`: cumulative_dynamic_auc(y, y, risk, HORIZONS)[0],
# brier_score(y, y, 1 - risks, HORIZONS)[1] and integrated_brier_score(y, y, 1 - risks, HORIZONS).
AUC = (0.6397470573978596, 0.6940599236026138, 0.6239721818543835)
BRIER = (0.2312146191803743, 0.2401758312903701, 0.25239774004200033)
INTEGRATED = 0.24282045679791917
# Six subjects: censored at 2 and 4, event at 3, death at 4, event-free until 6, event at 8.
TIME, CODE = [2.0, 3.0, 4.0, 4.0, 6.0, 8.0], [0, 1, 0, 2, 0, 1]


def risks(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(score[:, None] + np.array([-2.0, -1.0, 0.0]))))


def test_auc_by_hand() -> None:
    # At day 5: case at 3; controls the dead (weight 6/5) and the two followed on (9/5 each).
    found = time_auc(TIME, CODE, [0.9, 0.5, 0.9, 0.1, 0.6, 0.4], [5.0])
    assert found[0] == pytest.approx((6 / 5 + 9 / 5) / (6 / 5 + 18 / 5))


def test_brier_by_hand() -> None:
    risk = np.array([0.9, 0.5, 0.9, 0.1, 0.6, 0.4])[:, None]
    wanted = (6 / 5 * 0.5**2 + 6 / 5 * 0.1**2 + 9 / 5 * 0.6**2 + 9 / 5 * 0.4**2) / 6
    assert survival_brier(TIME, CODE, risk, [5.0])[0] == pytest.approx(wanted)


def test_agree_with_scikit_survival() -> None:
    time, event, score = cohort(11, 120)
    np.testing.assert_allclose(time_auc(time, event, score, HORIZONS), AUC, atol=1e-12)
    found = survival_brier(time, event, risks(score), HORIZONS)
    np.testing.assert_allclose(found, BRIER, atol=1e-12)
    sample = followed(time, event)
    whole = integrated_brier(sample, risks(score), HORIZONS).value(RowWeights.observed(120))
    assert whole == {"integrated_brier": pytest.approx(INTEGRATED, abs=1e-12)}


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_agree_with_torchsurv() -> None:
    from torchsurv.metrics.auc import Auc
    from torchsurv.metrics.brier_score import BrierScore
    from torchsurv.stats.ipcw import get_ipcw

    time, event, score = cohort(4, 150)
    seen, days = torch.tensor(event, dtype=torch.bool), torch.tensor(time)
    at = torch.tensor(HORIZONS, dtype=torch.float64)
    own, later = get_ipcw(seen, days), get_ipcw(seen, days, at)
    theirs = Auc()(torch.tensor(score), seen, days, new_time=at, weight=own, weight_new_time=later)
    np.testing.assert_allclose(time_auc(time, event, score, HORIZONS), theirs, atol=1e-5)
    survival = torch.tensor(1 - risks(score))
    brier = BrierScore()(survival, seen, days, at, weight=own, weight_new_time=later)
    np.testing.assert_allclose(
        survival_brier(time, event, risks(score), HORIZONS), brier, atol=1e-5
    )


def test_the_auc_is_scikit_learns_of_the_label_at_the_horizon() -> None:
    time, code, score = cohort(3, 300, death=0.4, ties=True)
    label = label_at_horizon(time, code, 180)
    weight = ipcw_weights(time, code, 180, fit_time=time, fit_event=code)
    known = ~np.isnan(label)
    wanted = roc_auc_score(label[known], score[known], sample_weight=weight[known])
    assert time_auc(time, code, score, [180.0])[0] == pytest.approx(wanted)


def test_the_brier_score_is_that_of_uncensored_data_and_least_for_the_true_risk() -> None:
    rng = np.random.default_rng(5)
    n, x = 20_000, rng.normal(size=20_000)
    event_rate, death_rate = 0.003 * np.exp(x), 0.002
    first = rng.exponential(1 / (event_rate + death_rate))
    code = np.where(rng.random(n) < event_rate / (event_rate + death_rate), 1, 2)
    lost = rng.exponential(400, n)
    time, seen = np.minimum(first, lost), np.where(first <= lost, code, 0)
    total = event_rate + death_rate
    risk = (event_rate / total * (1 - np.exp(-200 * total)))[:, None]
    truth = float(np.mean((((first <= 200) & (code == 1)) - risk[:, 0]) ** 2))
    found = survival_brier(time, seen, risk, [200.0])[0]
    assert found == pytest.approx(truth, abs=0.004)
    naive = (1 - np.exp(-200 * event_rate))[:, None]  # forgets that the dead cannot have the event
    assert survival_brier(time, seen, naive, [200.0])[0] > found


def test_draws_keep_the_censoring_and_row_weights_multiply() -> None:
    time, code, score = cohort(8, 80, death=0.3)
    sample, counts = followed(time, code), np.random.default_rng(2).integers(0, 3, (4, 80))
    own = np.random.default_rng(3).choice([0.5, 1.0, 2.0], 80)
    weights = RowWeights(counts, np.arange(80), own)
    label, ipcw = sample.known_at(180.0)
    auc = time_auc_at(sample, score, [180.0]).evaluate(weights)[:, 0]
    brier = brier_at(sample, risks(score)[:, :1], [180.0]).evaluate(weights)[:, 0]
    for draw, row in enumerate(counts):
        weight = row * own * ipcw
        assert auc[draw] == pytest.approx(roc_auc_score(label, score, sample_weight=weight))
        error = (risks(score)[:, 0] - label) ** 2
        assert brier[draw] == pytest.approx(np.average(error, weights=weight))


def test_intervals_come_from_the_one_bootstrap() -> None:
    time, code, score = cohort(9, 300)
    plan = Plan(draws=200)
    within = clusters(np.arange(300) // 2, None, weight=None, plan=plan)
    found = intervals(
        time_auc_at(followed(time, code), score, HORIZONS), within, weight=None, plan=plan
    )
    assert list(found) == ["time_auc@90", "time_auc@180", "time_auc@365"]
    assert all(0.5 < each.lo < each.value < each.hi for each in found.values())


def test_censoring_may_come_from_other_rows() -> None:
    time, code, _ = cohort(11, 120)
    curve = censoring_curve(time, code)
    part = followed(time[:30], code[:30], censoring=curve)
    assert part.known_at(180.0)[1].tolist() == followed(time, code).known_at(180.0)[1][:30].tolist()
    own = followed(time, code).part(np.arange(30))
    assert own.known_at(180.0)[1].tolist() == part.known_at(180.0)[1].tolist()


def test_without_a_case_there_is_no_auc() -> None:
    assert np.isnan(time_auc(TIME, CODE, np.arange(6), [2.5])[0])


def test_a_horizon_beyond_all_follow_up_is_refused() -> None:
    curve = censoring_curve([2.0, 6.0], [1, 0])
    with pytest.raises(InputError, match=r"beyond 6 days in .* so day 9 has no weight; lower"):
        followed([9.0], [1], censoring=curve).known_at(10.0)


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        (np.full((6, 2), 0.5), r"the predicted risks have shape \(6, 2\) where \(6, 1\)"),
        (np.full((6, 1), 1.5), r"a predicted risk is 1.5, outside \[0, 1\], in 6 cells"),
        (np.full((6, 1), np.nan), r"a predicted risk is nan, outside"),
    ],
    ids=["shape", "range", "nan"],
)
def test_wrong_risks_are_refused(risk: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        survival_brier(TIME, CODE, risk, [5.0])


@pytest.mark.parametrize("grid", [(5.0,), (5.0, 5.0)])
def test_a_grid_has_to_ascend(grid: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"has \d times that do not ascend; give two or more"):
        integrated_brier(followed(TIME, CODE), np.full((6, len(grid)), 0.5), grid)
