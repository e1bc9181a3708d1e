"""The true P(outcome | noise-free informative features) per head and input set, by quadrature.

The true LVEF `L` lies on a grid of whole points. Its posterior is prior (tabular columns) times the
Gaussian likelihood of the ECG scores times the Bernoulli likelihood of the findings; a head's
probability is the posterior mean of P(outcome | L, tabular). Without the tabular columns both are
summed over a reference population, weighted by its chance to be there at the ECG.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from components.ingest.synthetic.cohort import Cohort, FloatArray, draw_reference
from components.ingest.synthetic.mechanism import Mechanism, ecg_shift, substrate_estimate
from components.ingest.synthetic.surveillance import phrases, substrate
from components.ingest.synthetic.surveillance.hazards import (
    ANNOTATOR_ERROR,
    HORIZONS,
    THRESHOLDS,
    hazards,
    incidence,
)
from components.ingest.synthetic.surveillance.state import burden_of, presence, prior
from components.ingest.synthetic.trajectory import ECHO_SD

INPUTS = ("ecg", "text", "tabular", "ecg_text", "ecg_tabular", "text_tabular", "ecg_text_tabular")
# `survival` is the event within 365 days, `survival_30d` and so on those of the other horizons;
# `risk` is P(annotated as high).
HEADS = ("lvef", "survival", "risk", *(f"survival_{days}d" for days in HORIZONS[:-1]))
# LVEF below this per cent is the positive class, on an echo in whole per cent.
LVEF_CUTOFF = 50
# Per cent; of no patient's prior more than 1e-4 lies beyond.
GRID = np.arange(5.0, 101.0)
# Estimates of the ECG substrate at which the sums over the reference population are kept: its SD
# is about 1.2; linear interpolation between them is exact to 1e-4.
_ESTIMATES = np.linspace(-8.0, 8.0, 161)
# Sums move by less than 1e-3 of their size beyond this many reference patients.
_REFERENCE = 8_000


def outcomes_given(cohort: Cohort) -> FloatArray:
    """Return P(outcome | L, tabular) `[heads, patients, grid]` in the order of `HEADS`."""
    rates = hazards(cohort, np.broadcast_to(GRID, (cohort.size, len(GRID))))
    low = ndtr((LVEF_CUTOFF - 0.5 - GRID) / ECHO_SD)
    events = [incidence(rates, float(days)) for days in HORIZONS]
    return np.stack(
        [np.broadcast_to(low, events[0].shape), events[-1], _annotated_high(cohort), *events[:-1]]
    )


def _annotated_high(cohort: Cohort) -> FloatArray:
    """Return P(annotated as high), averaged over each cell of the grid: the category is a step."""
    edges = np.append(GRID, GRID[-1] + 1.0) - 0.5
    risk = incidence(hazards(cohort, np.broadcast_to(edges, (cohort.size, len(edges)))), 365.0)
    above, below = risk[:, :-1], risk[:, 1:]  # a lower LVEF has the higher risk
    middle, high = (np.clip((above - t) / (above - below), 0.0, 1.0) for t in THRESHOLDS)
    return (1.0 - ANNOTATOR_ERROR) * high + ANNOTATOR_ERROR / 2 * (middle - high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """The noise-free informative features of some patients."""

    cohort: Cohort
    scores: FloatArray
    findings: phrases.Findings


class SurveillanceOracle:
    """The true probabilities under a mechanism."""

    def __init__(self, mechanism: Mechanism, *, reference: int = _REFERENCE) -> None:
        self._mechanism = mechanism
        people = draw_reference(reference)
        density = prior(people, mechanism, GRID) * presence(people)[:, None]
        # Last row: the density itself, by which the others are divided.
        parts = np.concatenate([outcomes_given(people) * density, density[None]])
        self._alone = parts.sum(axis=1)
        self._with_ecg = _over_estimates(parts, ecg_shift(people))

    def probabilities(self, features: Features) -> dict[str, FloatArray]:
        """Return P(outcome | inputs), each `[patients]`, under `<head>_<inputs>`."""
        result: dict[str, FloatArray] = {}
        for inputs in INPUTS:
            found = self._posterior_mean(features, inputs)
            result |= {f"{head}_{inputs}": p for head, p in zip(HEADS, found, strict=True)}
        return result

    def _posterior_mean(self, features: Features, inputs: str) -> FloatArray:
        """Return `[heads, patients]`."""
        with_ecg, tabular = "ecg" in inputs, "tabular" in inputs
        estimate = substrate_estimate(features.scores)
        size = features.cohort.size
        log_weight = np.zeros((size, len(GRID)))
        if "text" in inputs:
            log_weight += phrases.log_likelihood(features.findings, burden_of(GRID))
        if with_ecg and tabular:
            mean = ecg_shift(features.cohort)[:, None] + substrate.RHO * burden_of(GRID)
            log_weight += substrate.log_density(estimate[:, None], mean)
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        if tabular:
            weight = weight * prior(features.cohort, self._mechanism, GRID)
            above = (outcomes_given(features.cohort) * weight).sum(axis=2)
            return above / weight.sum(axis=1)
        parts = self._at(estimate) if with_ecg else self._alone[:, None, :]
        sums = (parts * weight).sum(axis=2)
        return sums[:-1] / sums[-1]

    def _at(self, estimate: FloatArray) -> FloatArray:
        """Return the sums over the reference population `[heads + 1, patients, grid]`."""
        step = _ESTIMATES[1] - _ESTIMATES[0]
        position = np.clip((estimate - _ESTIMATES[0]) / step, 0.0, len(_ESTIMATES) - 1.001)
        left = position.astype(np.int64)
        share = (position - left)[:, None]
        return (1.0 - share) * self._with_ecg[:, left] + share * self._with_ecg[:, left + 1]


def _over_estimates(parts: FloatArray, shift: FloatArray) -> FloatArray:
    """Return `parts` `[heads + 1, patients, grid]` weighted by the likelihood of each estimate.

    Summed over patients: `[heads + 1, estimates, grid]`.
    """
    by_lvef = np.ascontiguousarray(parts.transpose(2, 1, 0))
    result = np.empty((len(GRID), len(_ESTIMATES), len(parts)))
    for row, burden in enumerate(burden_of(GRID)):
        mean = shift + substrate.RHO * float(burden)
        likelihood = np.exp(substrate.log_density(_ESTIMATES[:, None], mean))
        result[row] = likelihood @ by_lvef[row]
    return np.ascontiguousarray(result.transpose(2, 1, 0))
