"""Predictions over several classes for the tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.class_metric import ClassSample, class_sample

NAMES = ("none", "mild", "moderate", "severe")


@dataclass(frozen=True)
class ClassData:
    y: IntArray
    probs: FloatArray
    weight: FloatArray
    patient: np.ndarray

    def sample(self, *, weighted: bool = False) -> ClassSample:
        return class_sample(
            self.y, self.probs, names=NAMES, weight=self.weight if weighted else None
        )


def class_data(seed: int, *, patients: int = 250) -> ClassData:
    """Four ordered classes, one to three rows per patient, tied probabilities."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 4, patients)
    patient = np.repeat(np.arange(patients), rows)
    y = np.repeat(rng.choice(4, patients, p=[0.4, 0.3, 0.2, 0.1]), rows)
    place = y + rng.normal(0, 0.9, patients)[patient] + rng.normal(0, 0.5, y.size)
    logits = np.round(-((place[:, None] - np.arange(4)) ** 2), 1)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weight = rng.choice([0.0, 1.0, 1.7, 2.5], size=y.size, p=[0.1, 0.5, 0.2, 0.2])
    return ClassData(y, probs, weight, np.array([f"p{number:04d}" for number in patient]))
