"""Cox's proportional hazards model with a ridge penalty.

Maximised by Newton steps that are halved until they gain (undamped ones run away where columns are
nearly collinear).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import threadpoolctl
from scipy.linalg import solve_triangular

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, IntArray, Vector, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.survival.likelihood import RiskSets, derivatives, log_likelihood, risk_sets

# Ordinary data need 5 to 10 steps; where the likelihood rises for ever there is no end to them.
MAX_STEPS = 100
# Each halving past this moves no coefficient in float64.
_MAX_HALVINGS = 40
# The gain still to be had, per event; R's coxph stops at a relative gain of 1e-9.
_ENOUGH = 1e-10
# Log hazard ratio per SD; steps near a maximum are far smaller when `_ENOUGH` is reached.
_SMALL_STEP = 1e-3
# A pivot (times the diagonal's unit) below this is what rounding leaves of 0 in float64.
_SINGULAR = 1e-6


@dataclass(frozen=True, eq=False)
class Cox:
    """A fitted model.

    Attributes:
        coefficients: `[p]` log hazard ratio per unit of each column.
        penalty: ridge penalty it was fitted with.
        log_likelihood: partial, without the penalty.
        steps: Newton steps that it took.
    """

    coefficients: FloatArray
    penalty: float
    log_likelihood: float
    steps: int

    def risk(self, x: npt.ArrayLike) -> FloatArray:
        """Return the log hazard ratio `[n]` of rows `[n, p]`; higher means an earlier event."""
        return _matrix(x, columns=self.coefficients.size) @ self.coefficients


@dataclass(frozen=True, eq=False)
class Cohort:
    """Rows to fit on; use `cohort` to have them checked.

    Attributes:
        x: `[n, p]` covariates, standardised where the penalty shall weigh them alike.
        time: `[n]` days.
        event: `[n]` whether the event was seen at that time.
        weight: `[n]` row weights.
    """

    x: FloatArray
    time: FloatArray
    event: npt.NDArray[np.bool_]
    weight: FloatArray

    def sets(self, rows: IntArray | None = None) -> RiskSets:
        """Return the risk sets of some rows, or of all."""
        own = slice(None) if rows is None else rows
        return risk_sets(self.x[own], self.time[own], self.event[own], self.weight[own])


def cohort(x: npt.ArrayLike, time: Vector, event: Vector, weight: Vector | None = None) -> Cohort:
    """Return checked rows.

    Args:
        x: `[n, p]` covariates.
        time: `[n]` days, not negative.
        event: `[n]` truth of "the event was seen"; for a competing one this is False.
        weight: `[n]` row weights.

    Raises:
        InputError: arrays that do not fit together, values that are not finite, negative times.
    """
    days = finite(time, "the follow-up time")
    seen = finite(event, "the event", rows=days.size)
    covariates = _matrix(x)
    if covariates.shape[0] != days.size:
        raise InputError(
            f"the covariates have {covariates.shape[0]} rows where {days.size} are needed; align "
            "the arrays"
        )
    if days.size and days.min() < 0:
        raise InputError(f"a follow-up time is {days.min():g} days; times start at the index date")
    own = checked_weights(weight, rows=days.size)
    return Cohort(covariates, days, seen > 0, np.ones_like(days) if own is None else own)


def fit_cox(data: Cohort, *, penalty: float = 0.0) -> Cox:
    """Return the coefficients that maximise log partial likelihood − ½ · penalty · events · |β|².

    Counting the penalty per event lets one value mean the same in cohorts of every size.

    Args:
        data: rows, two events at least.
        penalty: not negative; 0 fits without one.

    Raises:
        InputError: fewer than two events, a negative penalty, collinear columns without a penalty,
            or no convergence.
    """
    _check(data, penalty)
    # Matrices this small make BLAS threads wait for each other: a cross-validated fit
    # took 29 s instead of 1.8 on two busy cores.
    with threadpoolctl.threadpool_limits(1, "blas"):
        return maximise(data.sets(), penalty, np.zeros(data.x.shape[1]))


def maximise(sets: RiskSets, penalty: float, start: FloatArray) -> Cox:
    """Return the fit on checked risk sets, the search beginning at `start` `[p]`; see `fit_cox`."""
    ridge, beta = penalty * sets.weighed, start
    spread = sets.x.std(axis=0)
    at = derivatives(sets, beta)
    for step in range(1, MAX_STEPS + 1):
        gradient = at.gradient - ridge * beta
        curvature = at.information + ridge * np.eye(beta.size)
        move = _solve(curvature, gradient, least=_SINGULAR**2 * sets.weighed * spread**2)
        # Half the Newton decrement is the gain that is left, were the likelihood quadratic. Where a
        # coefficient runs to infinity the gain fades while the steps do not.
        left = 0.5 * float(gradient @ move)
        if left <= _ENOUGH * sets.weighed and np.abs(move * spread).max(initial=0) <= _SMALL_STEP:
            return Cox(beta, penalty, at.value, step - 1)
        beta = _halved(sets, ridge, beta, move, at.value - 0.5 * ridge * float(beta @ beta))
        at = derivatives(sets, beta)
    raise _no_convergence(f"after {MAX_STEPS} Newton steps", beta)


def _halved(
    sets: RiskSets, ridge: float, beta: FloatArray, move: FloatArray, reached: float
) -> FloatArray:
    """Return the first of beta + move, + move/2, … that raises the penalised likelihood."""
    for _ in range(_MAX_HALVINGS):
        trial = beta + move
        if log_likelihood(sets, trial) - 0.5 * ridge * float(trial @ trial) > reached:
            return trial
        move = 0.5 * move
    raise _no_convergence(f"after {_MAX_HALVINGS} halvings of a step", beta)


def _no_convergence(when: str, beta: FloatArray) -> InputError:
    return InputError(
        f"the Cox model had not converged {when} (largest coefficient {np.abs(beta).max():.3g}); "
        "give a penalty, or drop columns that hardly vary or repeat others"
    )


def _solve(information: FloatArray, gradient: FloatArray, *, least: FloatArray) -> FloatArray:
    """Return the Newton step `[p]`, by a Cholesky factor of the matrix with a unit diagonal.

    A diagonal not above `least` `[p]` is one that rounding alone keeps from 0.
    """
    diagonal = np.diag(information)
    if (diagonal > least).all():
        size = np.sqrt(diagonal)
        try:
            factor = np.linalg.cholesky(information / np.outer(size, size))
        except np.linalg.LinAlgError:
            factor = np.zeros_like(information)
        if np.diag(factor).min(initial=1.0) > _SINGULAR:
            half = solve_triangular(factor, gradient / size, lower=True)
            return solve_triangular(factor.T, half) / size
    raise InputError(
        "the information matrix of the Cox model is singular: columns repeat each other, are "
        "constant, or separate the events perfectly; give a penalty above 0"
    )


def _check(data: Cohort, penalty: float) -> None:
    if not penalty >= 0:
        raise InputError(f"the penalty of the Cox model is {penalty:g}; it may not be negative")
    events = int(np.sum(data.event & (data.weight > 0)))
    if events < 2:
        raise InputError(f"{events} event(s) are too few for a Cox model; bring 2 at least")


def _matrix(x: npt.ArrayLike, *, columns: int | None = None) -> FloatArray:
    array = np.asarray(x, dtype=np.float64)
    if array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        wanted = "[n, p]" if columns is None else f"[n, {columns}]"
        raise InputError(f"the covariates have shape {array.shape} where {wanted} is needed")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise InputError(f"a covariate of row {row} is not finite; impute it or drop the row")
    return array
