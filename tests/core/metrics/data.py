"""Predictions for the tests of the metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from components.core.metrics.checks import FloatArray


@dataclass(frozen=True)
class Predictions:
    y: FloatArray
    prob: FloatArray
    weight: FloatArray
    patient: np.ndarray


def predictions(
    seed: int, *, patients: int = 200, prevalence: float = 0.3, ties: bool = True
) -> Predictions:
    """Clustered predictions: one to four rows per patient, a patient effect, rounded scores."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 5, patients)
    patient = np.repeat(np.arange(patients), rows)
    y = np.repeat(rng.random(patients) < prevalence, rows).astype(float)
    score = rng.normal(size=patients)[patient] + 1.2 * y + rng.normal(size=y.size) - 1
    prob = 1 / (1 + np.exp(-score))
    if ties:
        prob = np.round(prob, 2)
    weight = rng.choice([0.0, 1.0, 1.7, 2.5], size=y.size, p=[0.1, 0.5, 0.2, 0.2])
    return Predictions(y, prob, weight, np.array([f"p{number:04d}" for number in patient]))


@st.composite
def tied_predictions(draw: st.DrawFn) -> Predictions:
    """Few rows, many ties, both classes with some weight."""
    n = draw(st.integers(2, 30))
    y = np.array(draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n)))
    y[:2] = 0.0, 1.0
    prob = np.array(draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))) / 6
    weight = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    weight[:2] = np.maximum(weight[:2], 0.5)
    return Predictions(y, prob, weight, np.arange(n))
