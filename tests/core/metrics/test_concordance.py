"""Concordance by hand, pair by pair, against scikit-survival, torchsurv and a simulation."""

from __future__ import annotations

import time as clock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import InputError
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.concordance import concordance, harrell_c, uno_c
from components.core.metrics.followed import Followed, followed
from components.core.metrics.metric import RowWeights
from components.core.metrics.resampling import Plan, clusters, replicate
from tests.core.metrics.survival_data import cohort


def pair_by_pair(
    sample: Followed, risk: np.ndarray, weight: np.ndarray, kind: str, tau: float = np.inf
) -> float:
    """Return C from its definition: events i against later, or dead, rows j."""
    time, code, n = sample.time, sample.code, risk.size
    left = sample.censoring.before(time)
    held = every = 0.0
    for i in range(n):
        if code[i] != 1 or time[i] >= tau:
            continue
        for j in range(n):
            if time[i] < time[j] or (time[i] == time[j] and code[j] == 0):
                factor = left[i] ** -2.0
            elif code[j] == 2:  # died first, or on that day
                factor = 1 / (left[i] * left[j])
            else:
                continue
            own = weight[i] * weight[j] * (factor if kind == "uno" else 1.0)
            every += own
            held += own * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return held / every if every else float("nan")


# scikit-survival 0.28.0 on `cohort(11, 120)`: concordance_index_censored(event, time, risk)[0] and
# concordance_index_ipcw(y, y, risk, tau=...)[0].
HARRELL, HARRELL_TIED = 0.6118292682926829, 0.6175171736997056
UNO = {None: 0.6106807002406677, 300.0: 0.6110854010842803}


def test_by_hand() -> None:
    # Event at 1 against three later rows: 0.9 beats 0.1 and 0.5, ties none; event at 3 against the
    # one left at 4: 0.5 below 0.6. The row censored at 2 is no first of a pair.
    assert harrell_c([1, 2, 3, 4], [1, 0, 1, 0], [0.9, 0.1, 0.5, 0.6]) == 3 / 4
    # A death at 1 is the lower risk of each pair with an event, though it came first.
    assert harrell_c([1, 2, 3], [2, 1, 0], [0.1, 0.9, 0.5]) == 1.0
    assert harrell_c([1, 2, 3], [2, 1, 0], [0.95, 0.9, 0.5]) == 0.5


def test_on_one_day_the_censored_outlive_the_event_and_two_events_are_no_pair() -> None:
    assert harrell_c([5, 5], [1, 0], [0.9, 0.1]) == 1.0
    assert np.isnan(harrell_c([5, 5], [1, 1], [0.9, 0.1]))


@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_scikit_survival(ties: bool) -> None:
    time, event, risk = cohort(11, 120, ties=ties)
    wanted = HARRELL_TIED if ties else HARRELL
    assert harrell_c(time, event, risk) == pytest.approx(wanted, abs=1e-12)
    if not ties:
        for tau, value in UNO.items():
            assert uno_c(time, event, risk, tau=tau) == pytest.approx(value, abs=1e-12)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_agrees_with_torchsurv() -> None:
    from torchsurv.metrics.cindex import ConcordanceIndex
    from torchsurv.stats.ipcw import get_ipcw

    time, event, risk = cohort(4, 150)
    seen, days = torch.tensor(event, dtype=torch.bool), torch.tensor(time)
    index = ConcordanceIndex()
    score = torch.tensor(risk)
    assert harrell_c(time, event, risk) == pytest.approx(float(index(score, seen, days)), abs=1e-6)
    weight = get_ipcw(seen, days).double()
    theirs = float(index(score, seen, days, weight=weight))
    assert uno_c(time, event, risk) == pytest.approx(theirs, abs=1e-5)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6), st.sampled_from([0, 1, 2]), st.integers(0, 4), st.integers(0, 3)
        ),
        min_size=1,
        max_size=14,
    ),
    st.sampled_from([np.inf, 4.0]),
)
def test_every_draw_is_the_definition(rows: list[tuple[int, int, int, int]], tau: float) -> None:
    time, code, risk, weight = np.array(rows, dtype=float).T
    sample = followed(time, code)
    weights = RowWeights(np.array([weight, weight[::-1]], dtype=np.int64), np.arange(time.size))
    for kind in ("harrell", "uno"):
        found = concordance(sample, risk, kind=kind, tau=tau).evaluate(weights)[:, 0]
        wanted = [pair_by_pair(sample, risk, w, kind, tau) for w in (weight, weight[::-1])]
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_row_weights_multiply() -> None:
    time, code, risk = cohort(2, 60, death=0.3)
    weight = np.random.default_rng(1).choice([0.0, 0.5, 2.0], 60)
    sample = followed(time, code)
    for kind, function in (("harrell", harrell_c), ("uno", uno_c)):
        found = function(time, code, risk, weight=weight)
        assert found == pytest.approx(pair_by_pair(sample, risk, weight, kind), abs=1e-12)


def test_uno_does_not_drift_with_censoring_where_harrell_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    # The effect fades: late pairs are hardly concordant, and censoring hides them.
    onset = np.where(
        (early := rng.exponential(np.exp(-2 * x))) < 0.7, early, 0.7 + rng.exponential(1, 4000)
    )
    lost = rng.exponential(0.7, 4000)
    truth = uno_c(onset, np.ones(4000), x, tau=2.0)
    time, code = np.minimum(onset, lost), (onset <= lost).astype(int)
    assert uno_c(time, code, x, tau=2.0) == pytest.approx(truth, abs=0.03)
    assert harrell_c(time, code, x) > truth + 0.05


def test_two_thousand_draws_of_two_thousand_patients_take_seconds() -> None:
    time, code, risk = cohort(5, 2000, death=0.2)
    sample = followed(time, code)
    pair = [concordance(sample, score, kind="uno", tau=365.0) for score in (risk, time)]
    within = clusters(np.arange(2000), None, weight=None, plan=Plan())
    start = clock.perf_counter()
    found = intervals(difference(*pair), within, weight=None, plan=Plan())["uno_c"]
    assert clock.perf_counter() - start < 10
    assert 0 < found.lo < found.value < found.hi


def test_draws_of_patients_with_several_rows_are_those_of_copied_rows() -> None:
    time, code, risk = cohort(6, 50)
    patient = np.arange(50) // 2
    plan = Plan(draws=3)
    within = clusters(patient, None, weight=None, plan=plan)
    found = replicate(
        concordance(followed(time, code), risk, kind="harrell"), within, weight=None, plan=plan
    )
    seen: list[float] = []

    def keep(weights: RowWeights) -> np.ndarray:
        for counts in weights.take(np.arange(50)):
            rows = np.repeat(np.arange(50), counts)
            seen.append(harrell_c(time[rows], code[rows], risk[rows]))
        return np.zeros((weights.counts.shape[0], 1))

    from components.core.metrics.metric import Statistic

    replicate(Statistic(("x",), keep), within, weight=None, plan=plan)
    np.testing.assert_allclose(found[:, 0], seen, atol=1e-12)


@pytest.mark.parametrize("tau", [0.0, float("nan")])
def test_a_wrong_truncation(tau: float) -> None:
    with pytest.raises(InputError, match=r"the truncation time is .* days; give a positive"):
        uno_c([1.0], [1], [0.5], tau=tau)


def test_scores_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"the risk score has 1 rows where 2"):
        harrell_c([1.0, 2.0], [1, 0], [0.5])
