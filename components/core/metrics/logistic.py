"""Weighted logistic regression on one predictor, for many sets of row weights at once.

Newton's method with step halving, started where the caller says. Without a finite maximum (classes
separable, one class, constant predictor) the answer is NaN, never the place where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.core.metrics.checks import FloatArray
from components.core.metrics.metric import RowWeights

# A halved or separable path is given up after this many steps; ordinary data need 4 to 8.
MAX_STEPS = 60
# Newton's error after a step of this size is its square, far below what is printed.
_SMALL_STEP = 1e-5
# On the standardised scale a slope or intercept beyond this predicts every row within 1e-13.
_RUNAWAY = 30.0
# Below this share of its product of diagonals the Hessian's determinant is rounding noise.
_SINGULAR = 1e-12


@dataclass(frozen=True, eq=False)
class Line:
    """logit P(y = 1) = intercept + slope × x, one pair `[D]` per draw; NaN where not estimable."""

    intercept: FloatArray
    slope: FloatArray


@dataclass(frozen=True, eq=False)
class _Problem:
    """Standardised predictor `z` `[n]`, target `y` `[n]` in [0, 1], fixed offset `[n]`."""

    z: FloatArray
    y: FloatArray
    offset: FloatArray


def fit_line(x: FloatArray, y: FloatArray, weights: RowWeights) -> Line:
    """Return the maximum-likelihood intercept and slope for each of the `D` draws in `weights`.

    Args:
        x: `[n]` predictor, usually a logit.
        y: `[n]` target in [0, 1]; fractions are allowed (Platt's smoothed targets).
        weights: row weights of the draws.
    """
    centre, spread = float(x.mean()), float(x.std())
    draws = weights.counts.shape[0]
    if spread == 0:
        return Line(np.full(draws, np.nan), np.full(draws, np.nan))
    problem = _Problem((x - centre) / spread, y, np.zeros_like(x))
    beta = _maximise(problem, weights, free=2)
    slope = beta[:, 1] / spread
    return Line(beta[:, 0] - slope * centre, slope)


def fit_intercept(offset: FloatArray, y: FloatArray, weights: RowWeights) -> FloatArray:
    """Return the intercepts `[D]` of logit P(y = 1) = intercept + offset (slope fixed at 1)."""
    problem = _Problem(np.zeros_like(offset), y, offset)
    return _maximise(problem, weights, free=1)[:, 0]


def _maximise(problem: _Problem, weights: RowWeights, *, free: int) -> FloatArray:
    """Return the coefficients `[D, 2]` at the maximum, NaN where there is none."""
    drawn = weights.take(np.arange(problem.y.size)).astype(np.float64)
    beta = np.zeros((drawn.shape[0], 2))
    done = np.full(beta.shape, np.nan)
    active = np.arange(beta.shape[0])
    step = np.zeros_like(beta)
    slope_before = np.zeros(beta.shape[0])
    for _ in range(MAX_STEPS):
        gradient, newton = _newton(problem, drawn[active], beta[active], free=free)
        # Along a concave line the slope falls; past the top by as much as before it is too far.
        far = np.einsum("dk,dk->d", gradient, step[active]) < -0.9 * slope_before[active]
        step[active] = np.where(far[:, None], -0.5 * np.abs(step[active]) * 0, newton)
        active = active[:0]
    return done


def _newton(
    problem: _Problem, drawn: FloatArray, beta: FloatArray, *, free: int
) -> tuple[FloatArray, FloatArray]:
    raise NotImplementedError
