"""Isotonic recalibration: the rising steps that fit best, without a shape assumed.

It needs many more events than a line does, and gives one probability to many logits, so ranking
stays on the logits themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.recalibrator import class_weights, stored, unreadable

# Simulated with a true line on the logit (docs/LOG.md): of the gain in log loss over the
# prevalence, isotonic regression loses a quarter when fitted on 50 events, a sixth on 100, a
# twentieth on 500; Platt scaling 4 %, 1.5 % and 0.3 %. Below the first number it is refused, below
# the second the report says so. (Niculescu-Mizil and Caruana 2005 put the turn at 1,000 rows.)
FEWEST, MANY = 100, 500


@dataclass(frozen=True)
class IsotonicScaler:
    """Probability by linear interpolation between knots, flat beyond the outermost.

    Attributes:
        logits: `[k]` knots, rising.
        probabilities: `[k]` never falling, in (0, 1).
    """

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def fit(cls, logits: Vector, y: Vector, weight: Vector | None = None) -> IsotonicScaler:
        """Fit by pooling adjacent violators (Zadrozny and Elkan 2002) on validation rows `[n]`.

        Shares of 0 and 1 are held at 1/(N + 2) and (N + 1)/(N + 2), Laplace's rule of succession
        for all of the weight N, so that no patient is certain and every logit is finite.

        Raises:
            InputError: bad arrays, or a class with fewer than `FEWEST` rows.
        """
        labels = binary(y)
        x = finite(logits, "the logit", rows=labels.size)
        own = checked_weights(weight, rows=labels.size)
        total = float(class_weights(labels, own, method="isotonic regression").sum())
        _check_enough(labels, own)
        bounds = 1 / (total + 2), (total + 1) / (total + 2)
        model = IsotonicRegression(y_min=bounds[0], y_max=bounds[1], out_of_bounds="clip")
        model.fit(x, labels, sample_weight=own)
        return cls(tuple(model.X_thresholds_.tolist()), tuple(model.y_thresholds_.tolist()))

    def logit(self, logits: Vector) -> FloatArray:
        """Return calibrated logits `[n]`, finite."""
        prob = self.apply(logits)
        return np.log(prob) - np.log1p(-prob)

    def apply(self, logits: Vector) -> FloatArray:
        """Return calibrated probabilities `[n]` of the positive class."""
        return np.interp(finite(logits, "the logit"), self.logits, self.probabilities)

    def to_json(self) -> str:
        """Return the knots as JSON, exact to the last bit."""
        knots = {"logits": self.logits, "probabilities": self.probabilities}
        return json.dumps({"kind": "isotonic", **knots}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> IsotonicScaler:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, another kind of calibration, or knots that are no rising curve.
        """
        found = stored(text)
        try:
            x, p = (tuple(map(float, found[name])) for name in ("logits", "probabilities"))
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(error) from error
        if found["kind"] != "isotonic" or not _is_curve(np.array(x), np.array(p)):
            raise InputError(
                f"the calibration file holds kind {found['kind']!r} with {len(x)} and {len(p)} "
                "numbers, not a rising curve in (0, 1); log the model again"
            )
        return cls(x, p)


def _is_curve(x: FloatArray, p: FloatArray) -> bool:
    if x.size == 0 or x.size != p.size or not np.isfinite([x, p]).all():
        return False
    inside = bool((p > 0).all() and (p < 1).all())
    return inside and bool((np.diff(x) > 0).all() and (np.diff(p) >= 0).all())


def _check_enough(labels: FloatArray, own: FloatArray | None) -> None:
    known = labels if own is None else labels[own > 0]
    fewest = int(min(known.sum(), known.size - known.sum()))
    if fewest < FEWEST:
        raise InputError(
            f"isotonic regression on {known.size} validation patients, {fewest} of them in the "
            f"rarer class, would follow chance; it needs {FEWEST} per class: set "
            "evaluate.recalibrate to platt"
        )
