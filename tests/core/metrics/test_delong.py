"""DeLong's test against its definition, another implementation, and the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import norm

from components.core.errors import InputError
from components.core.metrics.bootstrap import paired_difference
from components.core.metrics.delong import delong
from components.core.metrics.discrimination import auroc
from components.core.metrics.resampling import Plan
from tests.core.metrics.data import Predictions, tied_predictions

# 43 patients of DeLong, DeLong and Clarke-Pearson (1988) as the SAS/STAT manual prints them (its
# LOGISTIC procedure, example on comparing ROC curves): albumin, total protein, K-G score before the
# manual turns it round, and 0 where no benefit from surgery is expected.
_TABLE = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
ALBUMIN, PROTEIN, SCORE, BENEFIT = np.array(_TABLE.split(), dtype=float).reshape(-1, 4).T
IDS = np.arange(43)
# By MLstatkit 0.1.91 (Delong_test): AUROC, difference to the K-G score, its variance, p.
REFERENCE = {
    "albumin": (ALBUMIN, 0.7365591397849462, 0.0107526881720431, 0.009090405441862, 0.9102063472),
    "protein": (PROTEIN, 0.6478494623655914, -0.0779569892473118, 0.010943166051777, 0.4561397075),
}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_the_patients_of_the_paper(name: str) -> None:
    test, area, difference, variance, p = REFERENCE[name]
    found = delong(BENEFIT == 0, (-test, SCORE), IDS)
    assert found.aurocs == pytest.approx((area, 0.7258064516129031), abs=1e-12)
    assert found.difference == pytest.approx(difference, abs=1e-12)
    assert found.error == pytest.approx(np.sqrt(variance), abs=1e-12)
    assert found.p == pytest.approx(p, abs=1e-9)
    margin = norm.ppf(0.975) * found.error
    assert (found.lo, found.hi) == pytest.approx((difference - margin, difference + margin))


def brute(y: np.ndarray, scores: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Return difference and standard error by the definition, over all pairs of patients."""
    rows, columns = [], []
    for score in scores:
        up, down = score[y == 1][:, None], score[y == 0][None, :]
        wins = (up > down) + 0.5 * (up == down)
        rows.append(wins.mean(axis=1))
        columns.append(wins.mean(axis=0))
    covariance = sum(np.cov(np.stack(v)) / v[0].size for v in (rows, columns))
    contrast = np.array([1, -1])
    return float(rows[0].mean() - rows[1].mean()), float(
        np.sqrt(max(contrast @ covariance @ contrast, 0))
    )


@given(tied_predictions(), tied_predictions())
def test_agrees_with_the_definition(data: Predictions, other: Predictions) -> None:
    y = np.concatenate([data.y, [0.0, 1.0]])
    one = np.concatenate([data.prob, [0.2, 0.3]])
    two = np.resize(other.prob, y.size)
    found = delong(y, (one, two), np.arange(y.size))
    assert (found.difference, found.error) == pytest.approx(brute(y, (one, two)), abs=1e-7)
    assert found.aurocs[0] == pytest.approx(auroc(y, one))


def test_agrees_with_the_paired_bootstrap_on_many_patients() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(2000) < 0.2).astype(float)
    common = rng.normal(size=2000) + y
    pair = common + 0.5 * rng.normal(size=2000), common + rng.normal(size=2000)
    ids = np.arange(2000)
    found = delong(y, pair, ids)
    drawn = paired_difference(y, pair, ids, metrics=["auroc"], plan=Plan(draws=1000))["auroc"]
    assert found.difference == pytest.approx(drawn.value)
    assert (found.lo, found.hi) == pytest.approx((drawn.lo, drawn.hi), abs=0.003)
    assert found.p < 0.001
    assert found.text().endswith("p < 0.001")


def test_p_is_uniform_without_a_difference() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(400):
        y = (rng.random(150) < 0.4).astype(float)
        common = rng.normal(size=150) + y
        pair = common + rng.normal(size=150), common + rng.normal(size=150)
        p.append(delong(y, pair, np.arange(150)).p)
    # 5 % of 400 with a binomial standard error of 1.1 %.
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.085
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_models_without_a_spread() -> None:
    y = np.array([0.0, 0, 1, 1])
    same = delong(y, (y, y), np.arange(4))
    assert (same.difference, same.error, same.p) == (0, 0, 1)
    opposite = delong(y, (y, -y), np.arange(4))
    assert (opposite.difference, opposite.error) == (1, 0)
    assert np.isnan(opposite.p)
    assert opposite.text() == "1.000 (1.000 to 1.000), p = undefined"


def test_what_the_test_cannot_take_is_refused() -> None:
    y, score = np.array([0.0, 0, 1, 1]), np.arange(4.0)
    with pytest.raises(InputError, match=r"4 rows have 3 patient ids of shape \(4,\); average"):
        delong(y, (score, score), [1, 1, 2, 3])
    with pytest.raises(InputError, match=r"patient ids of shape \(3,\)"):
        delong(y, (score, score), [1, 2, 3])
    with pytest.raises(InputError, match=r"no row weights, but they span 1 to 2; take the paired"):
        delong(y, (score, score), np.arange(4), weight=[1, 1, 2, 1])
    with pytest.raises(InputError, match="the rarer one has 1; test on more patients"):
        delong([0, 0, 0, 1], (score, score), np.arange(4))
    assert delong(y, (score, score), np.arange(4), weight=np.ones(4)).p == 1
