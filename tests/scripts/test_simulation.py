"""The simulated data sets have the truth that is claimed for them, and intervals cover it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as peer

from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.calibration import recalibration
from components.core.metrics.concordance import harrell_c
from components.core.metrics.resampling import Plan
from scripts import simulation
from scripts.simulation import BETWEEN, SHIFT, WITHIN, Level, Scenario, draw, draw_follow_up, truths

SMALL = Scenario(300, 30)


@pytest.mark.parametrize("level", ["patient", "recording"])
def test_the_truth_is_that_of_a_huge_data_set(level: Level) -> None:
    large = draw(Scenario(200_000, 20_000), level, np.random.default_rng(0))
    prob = 1 / (1 + np.exp(-large.logit))
    found = {
        "auroc": peer.roc_auc_score(large.y, prob),
        "auprc": peer.average_precision_score(large.y, prob),
        "brier": peer.brier_score_loss(large.y, prob),
        "calibration_slope": recalibration(large.y, prob).slope,
    }
    # Standard errors by the size of such samples: 0.0014 to 0.010.
    for name, truth in truths(SMALL, level).items():
        assert found[name] == pytest.approx(truth, abs=0.03 if "slope" in name else 0.012)


def test_the_truth_in_closed_form() -> None:
    single = truths(SMALL, "recording")
    assert single["auroc"] == pytest.approx(norm.cdf(SHIFT / np.sqrt(2)), abs=1e-6)
    assert single["calibration_slope"] == pytest.approx(1, abs=1e-6)
    spread = [BETWEEN + WITHIN / k for k in (1, 2, 3, 4)]
    pairs = [norm.cdf(SHIFT / np.sqrt(one + two)) for one in spread for two in spread]
    assert truths(SMALL, "patient")["auroc"] == pytest.approx(np.mean(pairs), abs=1e-6)


def test_recordings_of_a_patient_are_alike() -> None:
    data = draw(Scenario(4000, 400), "recording", np.random.default_rng(1))
    _, first, count = np.unique(data.patient, return_index=True, return_counts=True)
    assert sorted(np.unique(count)) == [1, 2, 3, 4]
    pairs = first[(count > 1) & (data.y[first] == 0)]
    correlation = np.corrcoef(data.logit[pairs], data.logit[pairs + 1])[0, 1]
    assert correlation == pytest.approx(BETWEEN, abs=0.06)
    assert data.y[first].mean() == pytest.approx(0.1, abs=0.02)


def test_the_true_concordance_is_that_of_a_large_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "_PAIRS", 4_000_000)
    truth = simulation.true_concordance.__wrapped__(SMALL)
    large = draw_follow_up(Scenario(20_000, 2_000), np.random.default_rng(2))
    found = harrell_c(large.time, large.event, large.risk)
    assert found == pytest.approx(truth, abs=0.015)
    assert large.event.mean() == pytest.approx(0.1, abs=0.01)


def test_intervals_cover_at_thirty_events() -> None:
    covered, sets = 0, 150
    truth = truths(SMALL, "patient")["auroc"]
    for number in range(sets):
        data = draw(SMALL, "patient", np.random.default_rng((3, number)))
        plan = Plan(draws=300, seed=number)
        found = bootstrap(data.y, data.logit, data.patient, metrics=["auroc"], plan=plan)["auroc"]
        covered += found.lo <= truth <= found.hi
    # Binomial: three standard errors about 95 % of 150.
    assert 0.895 <= covered / sets <= 0.995
