"""Recalibrations by name: `platt`, `temperature`, `isotonic` or `none`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from components.core.errors import ConfigError, InputError, nearest
from components.core.metrics.checks import FloatArray, Vector, finite
from components.core.metrics.isotonic import MANY, IsotonicScaler
from components.core.metrics.platt import PlattScaler
from components.core.metrics.recalibrator import Recalibrator, probability, stored
from components.core.metrics.temperature import TemperatureScaler


@dataclass(frozen=True)
class Identity:
    """No recalibration: the model's own logits."""

    @classmethod
    def fit(cls, logits: Vector, y: Vector, weight: Vector | None = None) -> Identity:
        """Return the identity, whatever the data."""
        del logits, y, weight
        return cls()

    def logit(self, logits: Vector) -> FloatArray:
        """Return the logits `[n]` as they are."""
        return finite(logits, "the logit")

    def apply(self, logits: Vector) -> FloatArray:
        """Return the model's own probabilities `[n]` of the positive class."""
        return probability(self.logit(logits))

    def to_json(self) -> str:
        """Return the kind as JSON."""
        return json.dumps({"kind": "none"})

    @classmethod
    def from_json(cls, text: str) -> Identity:
        """Read what `to_json` wrote.

        Raises:
            InputError: not JSON, or another kind of calibration.
        """
        kind = stored(text)["kind"]
        if kind != "none":
            raise InputError(f"the calibration file holds kind {kind!r}, not 'none'")
        return cls()


_KINDS: dict[str, type[Recalibrator]] = {
    "platt": PlattScaler,
    "temperature": TemperatureScaler,
    "isotonic": IsotonicScaler,
    "none": Identity,
}
_TITLES = {
    "platt": "Platt scaling, fitted on validation",
    "temperature": "temperature scaling, fitted on validation",
    "isotonic": "isotonic regression, fitted on validation; patients of one probability differ in "
    "their logit, on which the threshold decides",
    "none": "none",
}


def fit(kind: str, logits: Vector, y: Vector, weight: Vector | None = None) -> Recalibrator:
    """Return the recalibration `kind` fitted on validation logits `[n]` and labels `[n]`.

    Raises:
        ConfigError: an unknown kind.
        InputError: data on which it cannot be fitted.
    """
    return _of(kind).fit(logits, y, weight)


def from_json(text: str) -> Recalibrator:
    """Return the recalibration that some `to_json` wrote.

    Raises:
        ConfigError: an unknown kind.
        InputError: a file that cannot be read.
    """
    return _of(str(stored(text)["kind"])).from_json(text)


def describe(kind: str) -> str:
    """Return the name for the report.

    Raises:
        ConfigError: an unknown kind.
    """
    _of(kind)
    return _TITLES[kind]


def caution(kind: str, *, patients: int, events: int) -> str:
    """Return a sentence where the recalibration rests on few validation patients, else nothing."""
    if kind != "isotonic" or min(events, patients - events) >= MANY:
        return ""
    return (
        f"Isotonic regression was fitted on {patients:,} validation patients with {events:,} "
        f"events; with fewer than {MANY} in either class it follows chance, and Platt scaling is "
        "safer."
    )


def _of(kind: str) -> type[Recalibrator]:
    if kind not in _KINDS:
        raise ConfigError(f"there is no recalibration '{kind}'; {nearest(kind, _KINDS)}")
    return _KINDS[kind]
