"""Calibration of predicted risks by a horizon: can the cumulative incidence be taken at its word?

Observed is the Aalen-Johansen cumulative incidence, so that the censored count as long as they were
followed and who died without the event never has it (Austin, Putter, Giardiello and van Klaveren,
Diagn Progn Res 2022;6:2). Patients are grouped by quantiles of their prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from components.core.metrics.calibration import BINS, equal_mass_bins
from components.core.metrics.checks import FloatArray, IntArray, Vector, probabilities
from components.core.metrics.drawn_incidence import incidence_at
from components.core.metrics.followed import Followed
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic, joined
from components.core.metrics.part import restricted
from components.core.metrics.resampling import RARE_PATIENTS

FIGURES = ("observed", "predicted", "observed_expected", "calibration_error")


@dataclass(frozen=True, kw_only=True)
class RiskGroup:
    """Patients whose predictions lie close together.

    Attributes:
        predicted: mean predicted risk by the horizon.
        observed: cumulative incidence at the horizon with its interval; NaN where nobody of the
            group was followed so far.
        patients: in the group.
        events: of them with the event by the horizon.
    """

    predicted: float
    observed: Interval
    patients: int
    events: int


def group_count(sample: Followed, horizon: float) -> int:
    """Return how many groups the events by `horizon` bear: 20 for each, ten groups at most."""
    events = int((sample.event & (sample.time <= horizon)).sum())
    return max(1, min(BINS, events // RARE_PATIENTS))


def calibration_groups(sample: Followed, risk: Vector, horizon: float) -> tuple[RiskGroup, ...]:
    """Return the groups by rising predicted risk.

    Args:
        sample: follow-up of `n` rows.
        risk: `[n]` predicted probability of the event by the horizon.
        horizon: days.

    Raises:
        InputError: risks that do not fit or are no probabilities.
    """
    predicted = probabilities(risk, "the predicted risk", rows=sample.time.size)
    found: list[RiskGroup] = []
    for rows in _rows(sample, predicted, horizon):
        time, code = sample.time[rows], sample.code[rows]
        observed = Interval(np.nan, np.nan, np.nan, 0, 0, "nobody was followed so far")
        if time.max() >= horizon:
            observed = cumulative_incidence(time, code, horizon)
        events = int((sample.event[rows] & (time <= horizon)).sum())
        found.append(
            RiskGroup(
                predicted=float(predicted[rows].mean()), observed=observed,
                patients=int(rows.size), events=events,
            )
        )  # fmt: skip
    return tuple(found)


def gap_by_chance(groups: Sequence[RiskGroup]) -> float:
    """Return the mean |observed − predicted| that perfectly calibrated risks would show.

    The mean of a half-normal, √(2/π) of the standard error, which is taken from the width of each
    group's 95 % interval; NaN where a group's incidence is not known, or is 0 or 1.
    """
    width = np.array([group.observed.hi - group.observed.lo for group in groups])
    size = np.array([group.patients for group in groups], dtype=np.float64)
    error = width / (2 * float(ndtri(0.975)))
    return float(np.average(error * np.sqrt(2 / np.pi), weights=size))


def calibration_at(sample: Followed, risk: FloatArray, horizons: Sequence[float]) -> Statistic:
    """Return calibration at each horizon for the bootstrap.

    Per horizon `observed@<days>` (cumulative incidence), `predicted@<days>` (mean risk),
    `observed_expected@<days>` (their ratio; 1 is ideal, above 1 the risks are too low) and
    `calibration_error@<days>`: the mean over patients of |observed − predicted| of their group, 0
    at best and biased upwards in small samples. The groups are those of the sample itself.

    Args:
        sample: follow-up of `n` rows.
        risk: `[n, k]` predicted probability of the event by each horizon.
        horizons: `k` days.

    Raises:
        InputError: risks that do not fit or are no probabilities.
    """
    parts: list[Statistic] = []
    for column, horizon in enumerate(horizons):
        predicted = probabilities(risk[:, column], "the predicted risk", rows=sample.time.size)
        parts.append(_at(sample, predicted, horizon))
    return joined(parts)


def _at(sample: Followed, risk: FloatArray, horizon: float) -> Statistic:
    groups = _rows(sample, risk, horizon)
    everyone = incidence_at(sample, (horizon,))
    each = [restricted(incidence_at(sample.part(rows), (horizon,)), rows) for rows in groups]
    member = np.zeros((risk.size, len(groups)))
    for place, rows in enumerate(groups):
        member[rows, place] = 1.0
    columns = np.hstack([member, member * risk[:, None]])

    def evaluate(weights: RowWeights) -> FloatArray:
        mass, sums = np.hsplit(weights.totals(columns), 2)
        observed = everyone.evaluate(weights)[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            predicted = sums.sum(axis=1) / mass.sum(axis=1)
            gap = np.abs(np.hstack([part.evaluate(weights) for part in each]) - sums / mass)
            # A group without anyone in the draw adds nothing.
            error = np.where(mass > 0, mass * gap, 0.0).sum(axis=1) / mass.sum(axis=1)
            return np.stack([observed, predicted, observed / predicted, error], axis=1)

    return Statistic(tuple(f"{name}@{horizon:g}" for name in FIGURES), evaluate)


def _rows(sample: Followed, risk: FloatArray, horizon: float) -> list[IntArray]:
    """Return the rows of each group that has any, by rising risk; equal risks share a group."""
    bins = group_count(sample, horizon)
    where = equal_mass_bins(risk, np.ones_like(risk), bins=bins)
    return [np.flatnonzero(where == place) for place in np.unique(where)]
