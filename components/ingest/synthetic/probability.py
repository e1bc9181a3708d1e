"""The true P(label = 1 | noise-free informative features) per input set, by quadrature.

Given the mean fall `mu` and its SD, CTRCD at visit k is `drop * ramp_k + echo error > gap`, where
`gap` is the baseline minus the CTRCD threshold. So the chance of a first event at visit k is a
function of (gap, mu) alone; death multiplies it by exp(-hazard * day_k). Vulnerability `v` given
the ECG (and the tabular columns) is Gaussian, which only moves `mu` and widens the SD:

- ECG and tabular: v ~ N(gain (s - shift) / (gain^2 + tau^2), tau^2 / (gain^2 + tau^2));
- tabular: v ~ N(0, 1);
- ECG: the first, averaged over a reference population weighted by its likelihood of `s`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.mechanism import ESTIMATE_VARIANCE, Mechanism, ecg_shift
from components.ingest.synthetic.trajectory import (
    ECHO_SD,
    RAMP_DAYS,
    RAMP_LOG_SD,
    VISIT_DAYS,
    VISITS_TO_HORIZON,
    lvef_threshold,
)

FloatArray = npt.NDArray[np.float64]

# Gaps of the baselines 46-76 % lie in 7-27; mu stays within -25..35 points (over six SD).
_GAPS = np.arange(7.0, 28.0)
_MU = np.linspace(-25.0, 35.0, 301)
# Nodes at which the integrals over the fall and the ramp have converged to 1e-5.
_DROP_NODES, _RAMP_NODES = 40, 12


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbabilityModel:
    """The three probabilities for patients whose ECG shows the share `gain` of `v`.

    Build with `build`; every method returns `[patients]` in 0..1.
    """

    mechanism: Mechanism
    gain: float
    with_ecg: FloatArray
    without_ecg: FloatArray
    grid: FloatArray
    ecg_alone: FloatArray

    @classmethod
    def build(cls, mechanism: Mechanism, gain: float, reference: Cohort) -> ProbabilityModel:
        """Return the model; `reference` is the population of the ECG-alone average."""
        variance = mechanism.residual_sd**2
        posterior = ESTIMATE_VARIANCE / (gain**2 + ESTIMATE_VARIANCE)
        with_ecg = _first_event(np.sqrt(variance + mechanism.beta_v**2 * posterior))
        without = _first_event(np.sqrt(variance + mechanism.beta_v**2))
        # The substrate has an SD of about 1.1 and an estimate's SD of 1.2: six of them.
        grid = np.linspace(-7.0, 7.0, 141)
        alone = _average(mechanism, gain, with_ecg, reference, grid)
        return cls(
            mechanism=mechanism,
            gain=gain,
            with_ecg=with_ecg,
            without_ecg=without,
            grid=grid,
            ecg_alone=alone,
        )

    def ecg_tabular(self, cohort: Cohort, estimate: FloatArray) -> FloatArray:
        """Return P(label | ECG scores, tabular); `estimate` is `substrate_estimate`."""
        shift = _posterior_mean(self.gain, estimate - ecg_shift(cohort))
        mu = self.mechanism.tabular_drop(cohort) + self.mechanism.beta_v * shift
        return _lookup(self.with_ecg, cohort, mu)

    def tabular(self, cohort: Cohort, *, extra_drop: float = 0.0) -> FloatArray:
        """Return P(label | tabular), with the mean fall raised by `extra_drop` LVEF points."""
        mu = self.mechanism.tabular_drop(cohort) + extra_drop
        return _lookup(self.without_ecg, cohort, mu)

    def ecg(self, estimate: FloatArray) -> FloatArray:
        """Return P(label | ECG scores)."""
        return np.interp(estimate, self.grid, self.ecg_alone)


def _posterior_mean(gain: float, residual: FloatArray) -> FloatArray:
    return gain * residual / (gain**2 + ESTIMATE_VARIANCE)


def _first_event(sd: float) -> FloatArray:
    """Return P(first event at visit k) `[visits, gaps, mu]` for a fall N(mu, sd^2)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_DROP_NODES)
    ramp_nodes, ramp_weights = np.polynomial.hermite_e.hermegauss(_RAMP_NODES)
    result = np.zeros((VISITS_TO_HORIZON, len(_GAPS), len(_MU)))
    # Measurements are whole numbers: at or below the threshold means below threshold + 1/2.
    limit = (_GAPS - 0.5)[:, None, None]
    drop = _MU[None, :, None] + sd * nodes
    for ramp_node, ramp_weight in zip(ramp_nodes, ramp_weights, strict=True):
        ramp = RAMP_DAYS * np.exp(RAMP_LOG_SD * ramp_node)
        free = np.full((len(_GAPS), len(_MU), _DROP_NODES), ramp_weight / (2 * np.pi))
        for visit, day in enumerate(VISIT_DAYS[:VISITS_TO_HORIZON]):
            hit = ndtr((drop * (1.0 - np.exp(-day / ramp)) - limit) / ECHO_SD)
            result[visit] += (free * hit) @ weights
            free = free * (1.0 - hit)
    return result


def _lookup(table: FloatArray, cohort: Cohort, mu: FloatArray) -> FloatArray:
    """Interpolate `table` at (gap, mu) and let death come first with its own hazard."""
    gap = cohort.lvef_baseline - lvef_threshold(cohort.lvef_baseline)
    row = (gap - _GAPS[0]).astype(np.int64)
    position = np.clip((mu - _MU[0]) / (_MU[1] - _MU[0]), 0.0, len(_MU) - 1.001)
    left = position.astype(np.int64)
    share = position - left
    visits = (1.0 - share) * table[:, row, left] + share * table[:, row, left + 1]
    alive = np.exp(-cohort.death_hazard * VISIT_DAYS[:VISITS_TO_HORIZON, None])
    return (visits * alive).sum(axis=0)


def _average(
    mechanism: Mechanism,
    gain: float,
    table: FloatArray,
    reference: Cohort,
    grid: FloatArray,
) -> FloatArray:
    shift = ecg_shift(reference)
    drop = mechanism.tabular_drop(reference)
    spread = gain**2 + ESTIMATE_VARIANCE
    result = np.empty(len(grid))
    for i, estimate in enumerate(grid):
        residual = estimate - shift
        log_weight = -0.5 * residual**2 / spread
        weight = np.exp(log_weight - log_weight.max())
        mu = drop + mechanism.beta_v * _posterior_mean(gain, residual)
        result[i] = np.average(_lookup(table, reference, mu), weights=weight)
    return result
