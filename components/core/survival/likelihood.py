"""The partial likelihood of Cox's model with its derivatives, ties by Efron's approximation.

Legend: `n` rows, `p` columns, `m` rows with the event. With tied events each of d is taken to have
happened while a share of the others was still at risk (Efron, JASA 1977;72:557). Row weights enter
as in Therneau and Grambsch, Modeling Survival Data (2000), section 7.1.2: tied events share their
mean weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.checks import FloatArray, IntArray

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Rows by descending time, and all that does not depend on coefficients.

    Attributes:
        x: `[n, p]` covariates.
        weight: `[n]` row weights.
        event: `[m]` places of the rows with the event.
        last: `[m]` place of the last row at risk at each event's time.
        tie: `[m]` number of the time of each event, from 0.
        share: `[m]` share of the tied events that had happened before this one, in [0, 1).
        mean: `[m]` mean weight of the events tied with this one.
        since: `[n]` how many of the event times, latest first, lie after each row's own time.
    """

    x: FloatArray
    weight: FloatArray
    event: IntArray
    last: IntArray
    tie: IntArray
    share: FloatArray
    mean: FloatArray
    since: IntArray

    @property
    def weighed(self) -> float:
        """Return the weight of all events."""
        return float(self.weight[self.event].sum())


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Log partial likelihood, gradient `[p]` and information `[p, p]` (negative Hessian)."""

    value: float
    gradient: FloatArray
    information: FloatArray


def risk_sets(x: FloatArray, time: FloatArray, event: Bools, weight: FloatArray) -> RiskSets:
    """Return the risk sets; rows of weight 0 are left out.

    Args:
        x: `[n, p]` covariates.
        time: `[n]` days.
        event: `[n]` whether the event was seen at that time.
        weight: `[n]` not negative.
    """
    rows = np.flatnonzero(weight > 0)
    rows = rows[np.argsort(-time[rows], kind="stable")]
    falling = -time[rows]
    place = np.flatnonzero(event[rows])
    moments, tie, count = np.unique(falling[place], return_inverse=True, return_counts=True)
    own = weight[rows]
    within = np.arange(place.size) - np.concatenate([[0], np.cumsum(count)])[tie]
    return RiskSets(
        x=x[rows],
        weight=own,
        event=place,
        last=np.searchsorted(falling, falling[place], side="right") - 1,
        tie=tie,
        share=within / count[tie],
        mean=(np.bincount(tie, weights=own[place], minlength=count.size) / count)[tie],
        since=np.searchsorted(moments, falling, side="left"),
    )


def log_likelihood(sets: RiskSets, beta: FloatArray) -> float:
    """Return the log partial likelihood at the coefficients `[p]`; higher is better."""
    eta, _, at_risk = _at_risk(sets, beta)
    return _value(sets, eta, at_risk)


def derivatives(sets: RiskSets, beta: FloatArray) -> Derivatives:
    """Return the log partial likelihood at the coefficients `[p]` with its derivatives.

    The sum over risk sets of outer products is turned into one over rows, each with the hazard that
    it lived through, so that nothing of size `n × p²` is kept.
    """
    eta, relative, at_risk = _at_risk(sets, beta)
    step = sets.mean / at_risk
    lived = _lived(sets, step)
    # Efron: a tied event was at risk for its own moment only in part.
    lived[sets.event] -= np.bincount(sets.tie, weights=sets.share * step)[sets.tie]
    held = relative * lived
    centre = _mean_at_risk(sets, relative, at_risk)
    gradient = sets.weight[sets.event] @ sets.x[sets.event] - held @ sets.x
    information = (sets.x * held[:, None]).T @ sets.x - (centre * sets.mean[:, None]).T @ centre
    return Derivatives(_value(sets, eta, at_risk), gradient, information)


def _at_risk(sets: RiskSets, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return linear predictor `[n]`, weight × hazard ratio `[n]` and their sum at risk `[m]`."""
    eta = sets.x @ beta
    eta = eta - eta.max()  # cancels in every ratio, and nothing overflows
    relative = sets.weight * np.exp(eta)
    total = np.cumsum(relative)[sets.last]
    tied = np.bincount(sets.tie, weights=relative[sets.event])[sets.tie]
    return eta, relative, total - sets.share * tied


def _value(sets: RiskSets, eta: FloatArray, at_risk: FloatArray) -> float:
    own = sets.weight[sets.event] @ eta[sets.event]
    return float(own - sets.mean @ np.log(at_risk))


def _lived(sets: RiskSets, step: FloatArray) -> FloatArray:
    """Return `[n]` the sum of `step` over the events up to each row's time, its own included."""
    each = np.bincount(sets.tie, weights=step)
    ahead = np.concatenate([np.cumsum(each[::-1])[::-1], [0.0]])
    return ahead[sets.since]


def _mean_at_risk(sets: RiskSets, relative: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return `[m, p]` the mean of the covariates over the risk set of each event."""
    scaled = sets.x * relative[:, None]
    total = np.cumsum(scaled, axis=0)[sets.last]
    tied = np.zeros((int(sets.tie.max()) + 1, sets.x.shape[1]))
    np.add.at(tied, sets.tie, scaled[sets.event])
    return (total - sets.share[:, None] * tied[sets.tie]) / at_risk[:, None]
