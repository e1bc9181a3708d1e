"""Clustered data sets whose true figures are known, for `scripts/coverage.py`.

A patient has one to four recordings, alike through a random intercept. The model's logit is
calibrated for a single recording; the mean over a patient's recordings, which the project reports,
is less noisy and so too timid: its calibration slope is above 1. Truths are integrals over the
normal mixtures from which the scores are drawn, on a grid fine enough for six decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from components.core.metrics.checks import FloatArray, IntArray

# Shift between the classes in SDs of one recording's score: AUROC 0.80 for one recording.
SHIFT = 1.2
# Variance between patients and between recordings of one; their sum is 1, so the within-patient
# correlation is 0.36.
BETWEEN, WITHIN = 0.36, 0.64
MOST_RECORDINGS = 4
# Log hazard ratio per SD of a patient's latent risk, and SD of a recording's error about it.
HAZARD, ERROR = 1.0, 1.0
# Follow-up is uniform on this range, in years: half of it differs between patients.
FOLLOW_UP = (0.5, 1.5)
_GRID = np.linspace(-9.0, 10.2, 40_001)
_PAIRS = 40_000_000
_CHUNK = 4_000_000

Level = Literal["patient", "recording"]


@dataclass(frozen=True)
class Scenario:
    """How many patients, and how many of them are expected to have the event."""

    patients: int
    events: int

    @property
    def prevalence(self) -> float:
        """Return the expected share of patients with the event."""
        return self.events / self.patients


@dataclass(frozen=True, eq=False)
class DataSet:
    """One simulated test set.

    Attributes:
        patient: `[n]` number of each row's patient.
        y: `[n]` label.
        logit: `[n]` the model's log-odds.
    """

    patient: IntArray
    y: FloatArray
    logit: FloatArray


@dataclass(frozen=True, eq=False)
class FollowUp:
    """One simulated test set with times, one row per patient.

    Attributes:
        time: `[P]` years to event or end of follow-up.
        event: `[P]` 1 for an event, 0 for censored.
        risk: `[P]` higher means an earlier event.
    """

    time: FloatArray
    event: FloatArray
    risk: FloatArray


def draw(scenario: Scenario, level: Level, rng: np.random.Generator) -> DataSet:
    """Return a data set with a row per recording, or the mean over each patient's."""
    patient, own = _recordings(scenario.patients, rng)
    y = (rng.random(scenario.patients) < scenario.prevalence).astype(np.float64)
    between = np.sqrt(BETWEEN) * rng.normal(size=scenario.patients)
    score = (SHIFT * y + between)[patient] + np.sqrt(WITHIN) * rng.normal(size=patient.size)
    logit = _logit(score, scenario.prevalence)
    if level == "recording":
        return DataSet(patient, y[patient], logit)
    return DataSet(np.arange(scenario.patients), y, np.bincount(patient, weights=logit) / own)


def draw_follow_up(scenario: Scenario, rng: np.random.Generator) -> FollowUp:
    """Return a data set with exponential times, censored at the end of a uniform follow-up."""
    patient, own = _recordings(scenario.patients, rng)
    latent, time, event = _times(scenario, scenario.patients, rng)
    score = latent[patient] + ERROR * rng.normal(size=patient.size)
    return FollowUp(time, event, np.bincount(patient, weights=score) / own)


@cache
def truths(scenario: Scenario, level: Level) -> dict[str, float]:
    """Return the figures that a test set of infinite size would have."""
    counts = (1,) if level == "recording" else tuple(range(1, MOST_RECORDINGS + 1))
    spreads = [float(np.sqrt(BETWEEN + WITHIN / k)) for k in counts]
    step = _GRID[1] - _GRID[0]
    negative, positive = (_density(SHIFT * y, spreads) * step for y in (0, 1))
    logit = _logit(_GRID, scenario.prevalence)
    mass = ((1 - scenario.prevalence) * negative, scenario.prevalence * positive)
    prob = 1 / (1 + np.exp(-logit))
    return {
        "auroc": _auroc(negative, positive),
        "auprc": _auprc(*mass),
        "brier": float(mass[0] @ prob**2 + mass[1] @ (1 - prob) ** 2),
        "calibration_slope": _slope(logit, *mass),
    }


@cache
def true_concordance(scenario: Scenario) -> float:
    """Return Harrell's C-index under this censoring, from random pairs (standard error 2e-4)."""
    rng = np.random.default_rng(20_260)
    right = comparable = 0.0
    for _ in range(0, _PAIRS, _CHUNK):
        one, two = (_one_recording_mean(scenario, _CHUNK, rng) for _ in range(2))
        first = np.where(one.time < two.time, one.event, 0.0)
        right += float(first @ (one.risk > two.risk))
        comparable += float(first.sum())
    return right / comparable


def _one_recording_mean(scenario: Scenario, size: int, rng: np.random.Generator) -> FollowUp:
    """Return patients with the mean score drawn at once: normal about the latent risk."""
    latent, time, event = _times(scenario, size, rng)
    own = rng.integers(1, MOST_RECORDINGS + 1, size)
    return FollowUp(time, event, latent + ERROR / np.sqrt(own) * rng.normal(size=size))


def _recordings(patients: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    own = rng.integers(1, MOST_RECORDINGS + 1, patients)
    return np.repeat(np.arange(patients), own), own


def _logit(score: FloatArray, prevalence: float) -> FloatArray:
    """Return the log-odds of the event given one recording's score (two normals of variance 1)."""
    return np.log(prevalence / (1 - prevalence)) + SHIFT * (score - SHIFT / 2)


def _times(
    scenario: Scenario, size: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    latent = rng.normal(size=size)
    time = rng.exponential(size=size) / (_base_rate(scenario) * np.exp(HAZARD * latent))
    end = rng.uniform(*FOLLOW_UP, size=size)
    return latent, np.minimum(time, end), (time <= end).astype(np.float64)


@cache
def _base_rate(scenario: Scenario) -> float:
    """Return the hazard per year at mean risk that gives the expected number of events."""
    latent = np.linspace(-8, 8, 2001)
    mass = norm.pdf(latent) / norm.pdf(latent).sum()
    end = np.linspace(*FOLLOW_UP, 201)

    def excess(log_rate: float) -> float:
        rate = np.exp(log_rate + HAZARD * latent)
        return float(mass @ (1 - np.exp(-rate[:, None] * end)).mean(axis=1)) - scenario.prevalence

    return float(np.exp(brentq(excess, -10, 5)))


def _density(mean: float, spreads: list[float]) -> FloatArray:
    """Return the density on the grid of an equal mixture of normals with these SDs."""
    each = [np.asarray(norm.pdf(_GRID, mean, spread), dtype=np.float64) for spread in spreads]
    return np.stack(each).mean(axis=0)


def _auroc(negative: FloatArray, positive: FloatArray) -> float:
    return float(positive @ (np.cumsum(negative) - 0.5 * negative))


def _auprc(negative: FloatArray, positive: FloatArray) -> float:
    """Return the area under precision over recall; half of a grid cell's own mass is above it."""
    true, false = (np.cumsum(mass[::-1])[::-1] - 0.5 * mass for mass in (positive, negative))
    return float(positive @ (true / (true + false)) / positive.sum())


def _slope(logit: FloatArray, negative: FloatArray, positive: FloatArray) -> float:
    """Return the slope at the maximum of the expected log-likelihood (Newton's method)."""
    design = np.stack([np.ones_like(logit), logit])
    beta = np.array([0.0, 1.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-(beta @ design)))
        gradient = design @ (positive - (positive + negative) * p)
        beta = beta + np.linalg.solve(
            (design * ((positive + negative) * p * (1 - p))) @ design.T, gradient
        )
    return float(beta[1])
