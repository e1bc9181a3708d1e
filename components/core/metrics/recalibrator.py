"""What every recalibration has in common: from a model's logit to a probability to be trusted.

Fitted on validation only. `recalibrate` chooses one by name.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, Self

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector


class Recalibrator(Protocol):
    """A map from logits to calibrated logits, kept as JSON."""

    @classmethod
    def fit(cls, logits: Vector, y: Vector, weight: Vector | None = None) -> Self:
        """Fit on validation logits `[n]`, labels `[n]` and optional row weights `[n]`.

        Raises:
            InputError: bad arrays, one class only, or data on which the map is not defined.
        """
        ...

    def logit(self, logits: Vector) -> FloatArray:
        """Return calibrated logits `[n]`, all finite."""
        ...

    def apply(self, logits: Vector) -> FloatArray:
        """Return calibrated probabilities `[n]` of the positive class."""
        ...

    def to_json(self) -> str:
        """Return `kind` and the fitted numbers as JSON, exact to the last bit."""
        ...

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another kind, or numbers that cannot be.
        """
        ...


def probability(logits: FloatArray) -> FloatArray:
    """Return 1/(1 + exp(−logit)); by tanh, which overflows at neither end."""
    return 0.5 + 0.5 * np.tanh(0.5 * logits)


def class_weights(labels: FloatArray, own: FloatArray | None, *, method: str) -> FloatArray:
    """Return `[2]` the weight of negatives and of positives, both above 0.

    Args:
        labels: `[n]` 0 or 1.
        own: `[n]` row weights or None.
        method: name of the recalibration, for the error.

    Raises:
        InputError: a class is missing.
    """
    found = np.bincount(labels.astype(np.int64), weights=own, minlength=2).astype(np.float64)
    if not found.all():
        raise InputError(
            f"{method} needs both classes, but the validation data weigh {found[1]:g} "
            f"positive and {found[0]:g} negative; hold back more patients for validation"
        )
    return found


def stored(text: str) -> dict[str, Any]:
    """Return the fields of a calibration file.

    Raises:
        InputError: no JSON object with a `kind`.
    """
    try:
        found = json.loads(text)
        found["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable(error) from error
    return dict(found)


def unreadable(error: Exception) -> InputError:
    """Return the error for a calibration file that cannot be read."""
    return InputError(f"the calibration file is not readable ({error!r}); log the model again")
