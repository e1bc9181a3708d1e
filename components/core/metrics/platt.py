"""Platt scaling: a monotone line on the logit that restores the scale of probabilities."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.logistic import prepare_line
from components.core.metrics.metric import RowWeights
from components.core.metrics.recalibrator import class_weights, probability, stored, unreadable


@dataclass(frozen=True)
class PlattScaler:
    """Calibrated logit = slope × logit + intercept.

    A slope below 0 reverses the ranking; it means that the logits ranked worse than chance on the
    data it was fitted on, and is kept as found.
    """

    slope: float
    intercept: float

    @classmethod
    def fit(cls, logits: Vector, y: Vector, weight: Vector | None = None) -> PlattScaler:
        """Fit on validation logits `[n]`, labels `[n]` and optional row weights `[n]`.

        Targets are smoothed to (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2) with N the class weights (Platt
        1999), so that separable validation data, too, give a finite line.

        Raises:
            InputError: bad arrays, one class only, or logits that are all the same.
        """
        labels = binary(y)
        x = finite(logits, "the logit", rows=labels.size)
        own = checked_weights(weight, rows=labels.size)
        line = prepare_line(x, _smoothed(labels, own), own)(RowWeights.observed(labels.size, own))
        intercept, slope = line[0].tolist()
        if not np.isfinite([slope, intercept]).all():
            raise InputError(
                f"Platt scaling cannot be fitted on {labels.size} validation logits between "
                f"{x.min():g} and {x.max():g}; the model may give the same logit to every row"
            )
        return cls(slope, intercept)

    def logit(self, logits: Vector) -> FloatArray:
        """Return calibrated logits `[n]`."""
        return self.slope * finite(logits, "the logit") + self.intercept

    def apply(self, logits: Vector) -> FloatArray:
        """Return calibrated probabilities `[n]` of the positive class."""
        return probability(self.logit(logits))

    def to_json(self) -> str:
        """Return the two numbers as JSON, exact to the last bit."""
        return json.dumps({"kind": "platt", **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PlattScaler:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another kind of calibration, or a number that is not finite.
        """
        found = stored(text)
        try:
            numbers = float(found["slope"]), float(found["intercept"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(error) from error
        if found["kind"] != "platt" or not np.isfinite(numbers).all():
            raise InputError(
                f"the calibration file holds kind {found['kind']!r} with {numbers}, not a finite "
                "Platt line; log the model again"
            )
        return cls(*numbers)


def _smoothed(labels: FloatArray, own: FloatArray | None) -> FloatArray:
    negative, positive = class_weights(labels, own, method="Platt scaling").tolist()
    return np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
