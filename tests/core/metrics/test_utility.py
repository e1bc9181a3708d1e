"""Net benefit against its definition, written out patient by patient."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.utility import net_benefit, net_benefit_curve

THRESHOLDS = np.array([0.05, 0.2, 0.5])


def by_hand(y, prob, t, weight):
    treated = prob >= t
    true = (weight * (treated & (y == 1))).sum() / weight.sum()
    false = (weight * (treated & (y == 0))).sum() / weight.sum()
    return true - false * t / (1 - t)


@pytest.mark.parametrize("weighted", [False, True])
def test_curve_is_the_definition(weighted) -> None:
    rng = np.random.default_rng(1)
    y, prob = rng.integers(0, 2, 200), rng.random(200)
    weight = rng.random(200) if weighted else np.ones(200)
    model, everyone = net_benefit_curve(y, prob, THRESHOLDS, weight if weighted else None)
    np.testing.assert_allclose(model, [by_hand(y, prob, t, weight) for t in THRESHOLDS])
    all_ = [by_hand(y, np.ones(200), t, weight) for t in THRESHOLDS]
    np.testing.assert_allclose(everyone, all_)


def test_published_form_of_treating_everyone() -> None:
    """Prevalence p: p − (1 − p) · t / (1 − t), which is 0 at t = p (Vickers and Elkin 2006)."""
    y = np.repeat([1, 0], [20, 80])
    _, everyone = net_benefit_curve(y, np.full(100, 0.2), np.array([0.2, 0.1]))
    np.testing.assert_allclose(everyone, [0, 0.2 - 0.8 / 9], atol=1e-15)


def test_a_perfect_risk_is_worth_the_prevalence_and_the_interval_holds_it() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(500) < 0.3).astype(float)
    statistic = net_benefit(y, y * 0.98 + 0.01, THRESHOLDS)
    plan = Plan(draws=300)
    within = clusters(np.arange(500), y, weight=None, plan=plan)
    found = intervals(statistic, within, weight=None, plan=plan, note="")["model@0.2"]
    assert found.value == pytest.approx(y.mean())
    assert found.lo < y.mean() < found.hi


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_threshold_outside_is_refused(t) -> None:
    with pytest.raises(InputError, match=r"decision threshold is .*give values in \(0, 1\)"):
        net_benefit(np.array([0.0, 1]), np.array([0.1, 0.9]), np.array([0.1, t or 1.0]))
