"""Weighted logistic regression on one predictor, for many sets of row weights at once.

Newton's method with step halving. Without a finite maximum (classes separable, one class, constant
predictor) the answer is NaN, never the place where the search stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.core.metrics.checks import FloatArray
from components.core.metrics.metric import RowWeights

# Ordinary data need 4 to 8 steps; separable data never arrive and are given up here.
MAX_STEPS = 60
# Newton's error after a step of this size is about its square, far below what is printed.
_SMALL_STEP = 1e-4
# A determinant below this share of its diagonal's product is rounding noise of float64.
_SINGULAR = 1e-12
# A step past the maximum is halved when the slope there is this share of the one it came from.
_OVERSHOOT = 0.9

Solver = Callable[[RowWeights], FloatArray]


@dataclass(frozen=True, eq=False)
class _Problem:
    """A likelihood and the place where the search starts.

    Attributes:
        design: `[n, c]` columns with a free coefficient.
        y: `[n]` target in [0, 1].
        offset: `[n]` part of the linear predictor that is fixed.
        start: `[c]` coefficients shared by all draws at the first step.
        first: `[n, c + c²]` each row's gradient and curvature there.
    """

    design: FloatArray
    y: FloatArray
    offset: FloatArray
    start: FloatArray
    first: FloatArray


def prepare_line(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> Solver:
    """Return a function from row weights to `[D, 2]`: intercept and slope of logit P(y = 1) on x.

    Args:
        x: `[n]` predictor, usually a logit.
        y: `[n]` target in [0, 1]; fractions are allowed (Platt's smoothed targets).
        weight: `[n]` row weights of the sample itself, near which the draws will lie.
    """
    centre, spread = float(x.mean()), float(x.std())
    if spread == 0:
        return lambda weights: np.full((weights.counts.shape[0], 2), np.nan)
    design = np.stack([np.ones_like(x), (x - centre) / spread], axis=1)
    problem = _warm(_problem(design, y, np.zeros_like(x)), weight)

    def solve(weights: RowWeights) -> FloatArray:
        beta = _maximise(problem, weights)
        slope = beta[:, 1] / spread
        return np.stack([beta[:, 0] - slope * centre, slope], axis=1)

    return solve


def prepare_slope(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> Solver:
    """Return a function from row weights to `[D, 1]`: the slope on `x` of a line through 0."""
    spread = float(np.sqrt(np.mean(x**2)))
    if spread == 0:
        return lambda weights: np.full((weights.counts.shape[0], 1), np.nan)
    problem = _warm(_problem(x[:, None] / spread, y, np.zeros_like(x)), weight)
    return lambda weights: _maximise(problem, weights) / spread


def prepare_intercept(offset: FloatArray, y: FloatArray, weight: FloatArray | None) -> Solver:
    """Return a function from row weights to `[D, 1]`: the intercept with slope 1 on `offset`."""
    problem = _warm(_problem(np.ones((y.size, 1)), y, offset), weight)
    return lambda weights: _maximise(problem, weights)


def _problem(
    design: FloatArray, y: FloatArray, offset: FloatArray, start: FloatArray | None = None
) -> _Problem:
    columns = design.shape[1]
    at = np.zeros(columns) if start is None else start
    p = _sigmoid(design @ at + offset)
    gradient = (y - p)[:, None] * design
    curvature = (p * (1 - p))[:, None] * _products(design)
    return _Problem(design, y, offset, at, np.hstack([gradient, curvature]))


def _warm(problem: _Problem, weight: FloatArray | None) -> _Problem:
    """Return the problem started at the sample's own maximum, where it has one."""
    own = _maximise(problem, RowWeights.observed(problem.y.size, weight))[0]
    if np.isnan(own).any():
        return problem
    return _problem(problem.design, problem.y, problem.offset, own)


def _maximise(problem: _Problem, weights: RowWeights) -> FloatArray:
    """Return the coefficients `[D, c]` at the maximum, NaN where there is none."""
    columns = problem.design.shape[1]
    # All draws start at one place, where their derivatives are one matrix product.
    gradient, hessian = _split(weights.totals(problem.first), columns)
    step = _solve(hessian, gradient)
    slope = np.einsum("dk,dk->d", gradient, step)
    beta = np.tile(problem.start, (step.shape[0], 1))
    found = np.full_like(step, np.nan)
    active = np.flatnonzero(np.isfinite(step).all(axis=1))
    drawn = weights.take(np.arange(problem.y.size)).astype(np.float64)
    for _ in range(MAX_STEPS):
        if not active.size:
            break
        trial = beta[active] + step[active]
        gradient, hessian = _derivatives(problem, drawn[active], trial)
        newton = _solve(hessian, gradient)
        far = np.einsum("dk,dk->d", gradient, step[active]) < -_OVERSHOOT * slope[active]
        # At the maximum the slope is rounding noise of either sign, and no step is too long.
        far &= np.abs(step[active]).max(axis=1) >= _SMALL_STEP
        beta[active] = np.where(far[:, None], beta[active], trial)
        step[active] = np.where(far[:, None], 0.5 * step[active], newton)
        rise = np.einsum("dk,dk->d", gradient, newton)
        slope[active] = np.where(far, 0.5 * slope[active], rise)
        arrived = ~far & (np.abs(newton).max(axis=1) < _SMALL_STEP)
        found[active[arrived]] = (beta + step)[active[arrived]]
        active = active[~arrived & np.isfinite(step[active]).all(axis=1)]
    return found


def _derivatives(
    problem: _Problem, drawn: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return gradient `[D, c]` and negative Hessian `[D, c, c]` at each draw's own `beta`."""
    p = _sigmoid(beta @ problem.design.T + problem.offset)
    gradient = (drawn * (problem.y - p)) @ problem.design
    curvature = (drawn * (p * (1 - p))) @ _products(problem.design)
    return _split(np.hstack([gradient, curvature]), problem.design.shape[1])


def _products(design: FloatArray) -> FloatArray:
    return np.einsum("ni,nj->nij", design, design).reshape(design.shape[0], -1)


def _split(sums: FloatArray, columns: int) -> tuple[FloatArray, FloatArray]:
    return sums[:, :columns], sums[:, columns:].reshape(-1, columns, columns)


def _sigmoid(eta: FloatArray) -> FloatArray:
    """Return 1/(1 + exp(−eta)); by tanh, which overflows at neither end."""
    return 0.5 + 0.5 * np.tanh(0.5 * eta)


def _solve(hessian: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return Newton's steps `[D, c]`; NaN where the Hessian is singular."""
    diagonal = np.einsum("dii->di", hessian)
    regular = np.linalg.det(hessian) > _SINGULAR * diagonal.prod(axis=1)
    steps = np.full_like(gradient, np.nan)
    steps[regular] = np.linalg.solve(hessian[regular], gradient[regular, :, None])[:, :, 0]
    return steps
