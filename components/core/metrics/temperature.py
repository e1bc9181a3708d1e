"""Temperature scaling: one number that makes all probabilities more or less extreme.

It cannot move the intercept: where class weights have shifted the prevalence, Platt scaling can.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.logistic import prepare_slope
from components.core.metrics.metric import RowWeights
from components.core.metrics.recalibrator import class_weights, probability, stored, unreadable


@dataclass(frozen=True)
class TemperatureScaler:
    """Calibrated logit = logit / temperature (Guo et al. 2017); above 1: less extreme."""

    temperature: float

    @classmethod
    def fit(cls, logits: Vector, y: Vector, weight: Vector | None = None) -> TemperatureScaler:
        """Fit by maximum likelihood on validation logits `[n]`, labels `[n]`, weights `[n]`.

        Raises:
            InputError: bad arrays, one class only, or no finite temperature above 0: separable
                data, logits that are all 0 or that speak against the labels.
        """
        labels = binary(y)
        x = finite(logits, "the logit", rows=labels.size)
        own = checked_weights(weight, rows=labels.size)
        class_weights(labels, own, method="temperature scaling")
        found = prepare_slope(x, labels, own)(RowWeights.observed(labels.size, own))
        slope = float(found[0, 0])
        if not slope > 0:
            raise InputError(
                f"temperature scaling has no temperature above 0 on {labels.size} validation "
                f"logits (the slope through the origin is {slope:g}); set evaluate.recalibrate "
                "to platt, which can shift the logits too"
            )
        return cls(1 / slope)

    def logit(self, logits: Vector) -> FloatArray:
        """Return calibrated logits `[n]`."""
        return finite(logits, "the logit") / self.temperature

    def apply(self, logits: Vector) -> FloatArray:
        """Return calibrated probabilities `[n]` of the positive class."""
        return probability(self.logit(logits))

    def to_json(self) -> str:
        """Return the number as JSON, exact to the last bit."""
        return json.dumps({"kind": "temperature", "temperature": self.temperature})

    @classmethod
    def from_json(cls, text: str) -> TemperatureScaler:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another kind of calibration, or no finite number above 0.
        """
        found = stored(text)
        try:
            temperature = float(found["temperature"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(error) from error
        if found["kind"] != "temperature" or not 0 < temperature < np.inf:
            raise InputError(
                f"the calibration file holds kind {found['kind']!r} with {temperature}, not a "
                "temperature above 0; log the model again"
            )
        return cls(temperature)
