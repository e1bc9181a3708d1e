"""Cox regression against statsmodels, scikit-survival and lifelines, and by differences."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.survival.cox import cohort, fit_cox
from components.core.survival.hazard import breslow, incidence_by
from components.core.survival.incidence import fit_incidence
from components.core.survival.likelihood import derivatives, log_likelihood
from components.core.survival.penalty import PENALTIES, _deal, choose_penalty
from tests.core.metrics import survival_data

# On `design()`: statsmodels 0.15.0, PHReg(time, x, status=event, ties="efron"), params and llf;
# scikit-survival 0.28.0, CoxPHSurvivalAnalysis(ties="efron") agrees in all digits shown, and with
# alpha=0.1 * events gives PENALISED, since its penalty is on the whole likelihood.
EFRON = (0.2860357941288474, -0.36997220550031645, 0.06487934583174261)
LIKELIHOOD = -256.7333931566549
PENALISED = (0.26522286581194376, -0.3170482047308799, 0.04413560786894118)
# lifelines 0.30.3, CoxPHFitter().fit(..., weights_col=...) with `WEIGHT`; it stops a little early.
WEIGHTED, WEIGHTED_LIKELIHOOD = (0.2798871, -0.3976440, -0.1879328), -329.4551203
# scikit-survival: 1 - predict_survival_function of the first two rows at days 100 and 300.
RISKS = {
    100.0: (0.3154817568741939, 0.6199324093631204),
    300.0: (0.5927275525821594, 0.8989985398709835),
}


def design() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three covariates, times tied on every twentieth day."""
    time, event, score = survival_data.cohort(11, 120, ties=True)
    rng = np.random.default_rng(5)
    x = np.stack([score, rng.normal(size=120), (rng.random(120) < 0.3).astype(float)], 1)
    return x, time, event


WEIGHT = np.random.default_rng(9).choice([0.5, 1.0, 2.0], 120)


def test_agrees_with_statsmodels_and_scikit_survival() -> None:
    found = fit_cox(cohort(*design()))
    np.testing.assert_allclose(found.coefficients, EFRON, atol=1e-6)
    assert found.log_likelihood == pytest.approx(LIKELIHOOD, abs=1e-8)
    assert 1 <= found.steps < 10
    ridge = fit_cox(cohort(*design()), penalty=0.1)
    np.testing.assert_allclose(ridge.coefficients, PENALISED, atol=1e-6)


def test_agrees_with_lifelines_under_row_weights() -> None:
    found = fit_cox(cohort(*design(), WEIGHT))
    np.testing.assert_allclose(found.coefficients, WEIGHTED, atol=1e-5)
    assert found.log_likelihood == pytest.approx(WEIGHTED_LIKELIHOOD, abs=1e-6)


def test_risks_agree_with_scikit_survival() -> None:
    x, time, event = design()
    found = fit_cox(cohort(x, time, event))
    base = breslow(found.risk(x), time, event > 0, np.ones(120))
    risks = incidence_by((base, found.risk(x[:2])), np.array(list(RISKS)))
    np.testing.assert_allclose(risks.T, list(RISKS.values()), atol=1e-6)


def test_derivatives_are_those_of_the_likelihood() -> None:
    sets, beta, width = cohort(*design(), WEIGHT).sets(), np.array([0.3, 0.1, -0.2]), 1e-5
    found = derivatives(sets, beta)
    assert found.value == log_likelihood(sets, beta)
    for column, step in enumerate(width * np.eye(3)):
        up, down = log_likelihood(sets, beta + step), log_likelihood(sets, beta - step)
        assert found.gradient[column] == pytest.approx((up - down) / (2 * width), abs=1e-5)
        slopes = [derivatives(sets, at).gradient for at in (beta + step, beta - step)]
        bend = (slopes[1] - slopes[0]) / (2 * width)
        np.testing.assert_allclose(found.information[column], bend, atol=1e-6)


def test_the_likelihood_by_hand() -> None:
    # Two events on day 1 among four rows, one on day 2 of two; hazard ratios 1, 2, 1, 2.
    x = np.array([[0.0], [1.0], [0.0], [1.0]])
    sets = cohort(x, [1, 1, 2, 3], [1, 1, 1, 0]).sets()
    value = log_likelihood(sets, np.array([np.log(2)]))
    assert value == pytest.approx(np.log(1 / 6) + np.log(2 / (6 - 0.5 * 3)) + np.log(1 / 3))


def test_a_row_of_weight_zero_is_no_row() -> None:
    x, time, event = design()
    weight = np.arange(120) % 3 > 0
    found = fit_cox(cohort(x, time, event, weight))
    alone = fit_cox(cohort(x[weight], time[weight], event[weight]))
    np.testing.assert_allclose(found.coefficients, alone.coefficients, atol=1e-8)


def test_steps_are_halved_where_a_whole_one_overshoots() -> None:
    # One far outlier: the full Newton step from zero lowers the likelihood.
    rng = np.random.default_rng(1)
    x = np.append(rng.normal(size=80), 60.0)[:, None]
    time, event = np.append(rng.exponential(1, 80), 0.5), np.ones(81)
    sets = cohort(x, time, event).sets()
    start = derivatives(sets, np.array([3.0]))
    step = np.linalg.solve(start.information, start.gradient)
    assert log_likelihood(sets, np.array([3.0]) + step) < start.value
    found = fit_cox(cohort(x, time, event))
    assert derivatives(sets, found.coefficients).gradient == pytest.approx([0], abs=1e-3)


def test_nearly_collinear_columns_converge_to_the_sum() -> None:
    x, time, event = design()
    twin = np.column_stack([x, x[:, 0] + 1e-4 * np.random.default_rng(0).normal(size=120)])
    found = fit_cox(cohort(twin, time, event), penalty=1e-6)
    assert found.coefficients[0] + found.coefficients[3] == pytest.approx(EFRON[0], abs=0.02)


def test_no_unpenalised_fit_of_repeated_or_constant_columns() -> None:
    x, time, event = design()
    for more in (x[:, :1], np.ones((120, 1))):
        with pytest.raises(InputError, match=r"is singular: columns repeat .* penalty above 0"):
            fit_cox(cohort(np.hstack([x, more]), time, event))
        fit_cox(cohort(np.hstack([x, more]), time, event), penalty=0.01)


def test_no_fit_where_the_likelihood_rises_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    x, time = np.arange(20.0)[:, None], np.arange(20.0)[::-1] + 1
    with pytest.raises(InputError, match=r"is singular: .* separate the events perfectly"):
        fit_cox(cohort(x, time, np.ones(20)))
    monkeypatch.setattr("components.core.survival.cox.MAX_STEPS", 2)
    with pytest.raises(InputError, match=r"not converged after 2 Newton steps .* give a penalty"):
        fit_cox(cohort(x, time, np.ones(20)))
    monkeypatch.setattr("components.core.survival.cox._MAX_HALVINGS", 0)
    with pytest.raises(InputError, match=r"not converged after 0 halvings of a step"):
        fit_cox(cohort(x, time, np.ones(20)))


def test_the_penalty_is_that_of_the_greatest_held_out_likelihood() -> None:
    x, time, event = design()
    rng = np.random.default_rng(3)
    noise = np.hstack([x, rng.normal(size=(120, 25))])
    groups = np.arange(120) // 2
    strong = choose_penalty(cohort(noise, time, event), groups)
    assert strong in PENALTIES
    # Two columns that matter bear less of a penalty than twenty-five that do not.
    assert choose_penalty(cohort(x[:, :2] * 3, time, event), groups) < strong
    only = choose_penalty(cohort(noise, time, event), groups, penalties=[0.5])
    assert only == 0.5


def test_a_patient_is_never_in_two_inner_parts() -> None:
    groups = np.repeat(np.array([f"p{i}" for i in range(30)]), 3)
    event = np.arange(90) % 9 == 0
    part = _deal(groups, event, folds=5, seed=1)
    assert len({(g, p) for g, p in zip(groups, part, strict=True)}) == 30
    assert set(part) == set(range(5))
    assert np.bincount(part, weights=event).tolist() == [2, 2, 2, 2, 2]


def test_incidence_without_covariates_is_that_of_aalen_and_johansen() -> None:
    from components.core.metrics.incidence import cumulative_incidence

    time, code, _ = survival_data.cohort(7, 3000, death=0.4)
    model = fit_incidence(np.zeros((3000, 1)), time, code, np.arange(3000), penalty=1.0)
    found = model.risk_by(np.zeros((1, 1)), np.array([90.0, 365.0]))[0]
    wanted = [cumulative_incidence(time, code, day).value for day in (90, 365)]
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_risks_of_competing_causes_are_the_planted_ones() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6000, 2))
    rates = 0.001 * np.exp(x[:, 0]), 0.001 * np.exp(x[:, 1])
    first = rng.exponential(1 / (rates[0] + rates[1]))
    cause = np.where(rng.random(6000) < rates[0] / (rates[0] + rates[1]), 1, 2)
    lost = rng.exponential(1500, 6000)
    time, code = np.minimum(first, lost), np.where(first <= lost, cause, 0)
    model = fit_incidence(x, time, code, np.arange(6000))
    share = rates[0] / (rates[0] + rates[1])
    truth = share * (1 - np.exp(-500 * (rates[0] + rates[1])))
    found = model.risk_by(x, np.array([500.0]))[:, 0]
    assert np.abs(found - truth).max() < 0.08
    assert np.corrcoef(found, truth)[0, 1] > 0.99
    np.testing.assert_allclose(model.score(x), x[:, 0], atol=0.3)


def test_few_deaths_make_one_hazard_for_everyone() -> None:
    x, time, event = design()
    code = np.where((event == 1) & (np.arange(120) % 10 == 0), 2, event)
    model = fit_incidence(x, time, code, np.arange(120), penalty=0.0)
    assert model.competing is not None
    assert model.competing.cox is None
    risk = model.risk_by(x, np.array([60.0, 300.0]))
    assert ((risk >= 0) & (risk <= 1)).all()
    assert (risk[:, 1] > risk[:, 0]).all()
    assert fit_incidence(x, time, event, np.arange(120), penalty=0.0).competing is None


def test_no_risk_beyond_follow_up() -> None:
    x, time, event = design()
    model = fit_incidence(x, time, event, np.arange(120), penalty=0.0)
    with pytest.raises(InputError, match=r"the risk by day 9999 cannot be told from follow-up to"):
        model.risk_by(x, np.array([9999.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": [1.0, -2.0, 3.0]}, r"a follow-up time is -2 days"),
        ({"event": [1, 1]}, r"the event has 2 rows where 3"),
        ({"x": np.zeros((2, 1))}, r"the covariates have 2 rows where 3 are needed"),
        ({"x": np.zeros(3)}, r"the covariates have shape \(3,\) where \[n, p\]"),
        ({"x": np.array([[1.0], [np.nan], [1.0]])}, r"a covariate of row 1 is not finite"),
    ],
    ids=["negative", "event", "rows", "shape", "nan"],
)
def test_wrong_arrays_are_refused(change: dict[str, object], message: str) -> None:
    good: dict[str, object] = {
        "x": np.zeros((3, 1)), "time": [1.0, 2.0, 3.0], "event": [1, 1, 0],
    }  # fmt: skip
    with pytest.raises(InputError, match=message):
        cohort(**(good | change))  # type: ignore[arg-type]


def test_wrong_settings_are_refused() -> None:
    x, time, event = design()
    with pytest.raises(InputError, match=r"the penalty of the Cox model is -1; it may not"):
        fit_cox(cohort(x, time, event), penalty=-1)
    with pytest.raises(InputError, match=r"1 event\(s\) are too few for a Cox model"):
        fit_cox(cohort(x[:5], time[:5], [1, 0, 0, 0, 0]))
    with pytest.raises(InputError, match=r"2 patient\(s\) had the event, too few to choose"):
        choose_penalty(cohort(x[:5], time[:5], [1, 1, 0, 0, 0]), np.arange(5))
    with pytest.raises(InputError, match=r"shape \(5, 2\) where \[n, 3\] is needed"):
        fit_cox(cohort(x, time, event)).risk(x[:5, :2])
