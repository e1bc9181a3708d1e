"""Small recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from components.core.signals.leads import LEADS8
from components.core.signals.signal import Signal


@pytest.fixture(scope="session")
def make() -> Callable[..., Signal]:
    """A recording from rows of counts (int16) or millivolts (float)."""

    def build(
        values: np.ndarray,
        leads: Sequence[str] = LEADS8,
        *,
        fs: float = 500.0,
        lsb: float = 0.005,
        offset: float = 0.0,
        unit: str = "mV",
        no_value: int | None = None,
    ) -> Signal:
        values = np.asarray(values)
        whole = np.issubdtype(values.dtype, np.integer)
        return Signal(
            values=values if whole else values.astype(np.float32),
            fs=fs,
            leads=tuple(leads),
            unit=unit,
            lsb=np.full(len(leads), lsb if whole else 1.0),
            offset=np.full(len(leads), offset),
            no_value=no_value,
        )

    return build


@pytest.fixture(scope="session")
def walk() -> Callable[..., np.ndarray]:
    """Counts `[leads, samples]` that look like nothing in particular but have an ECG's size."""

    def build(leads: int = 8, samples: int = 5000, seed: int = 0) -> np.ndarray:
        time = np.arange(samples) / 500
        phase = np.random.default_rng(seed).uniform(0, 6, size=(leads, 1))
        return (200 * np.sin(9 * time + phase) + 40 * np.sin(70 * time)).astype(np.int16)

    return build


# Peak in mV of P, Q/R, S and T per lead, with the R wave growing from V1 to V5.
_WAVES: dict[str, tuple[float, float, float, float]] = {
    "I": (0.08, 0.7, -0.1, 0.2),
    "II": (0.14, 1.0, -0.2, 0.3),
    "V1": (0.06, 0.25, -0.9, -0.1),
    "V2": (0.07, 0.5, -1.2, 0.3),
    "V3": (0.07, 0.8, -0.8, 0.4),
    "V4": (0.08, 1.3, -0.5, 0.4),
    "V5": (0.08, 1.4, -0.25, 0.35),
    "V6": (0.08, 1.1, -0.1, 0.25),
}
# Place from the R peak and width (SD) in s, of the same.
_PLACES = ((-0.16, 0.02), (0.0, 0.01), (0.03, 0.01), (0.27, 0.05))


@pytest.fixture(scope="session")
def ecg() -> Callable[..., np.ndarray]:
    """A clean normal ECG `[8, samples]` in mV, one beat every `every` s from 0.4 s on."""

    def build(*, fs: float = 500.0, seconds: float = 10.0, every: float = 0.8) -> np.ndarray:
        time = np.arange(round(seconds * fs)) / fs
        shape = np.stack(
            [
                sum(
                    np.exp(-(((time - peak - at) / width) ** 2) / 2)
                    for peak in np.arange(0.4, seconds, every)
                )
                for at, width in _PLACES
            ]
        )
        return (np.array([_WAVES[lead] for lead in LEADS8]) @ shape).astype(np.float32)

    return build


@pytest.fixture(scope="session")
def twelve() -> Callable[[np.ndarray], np.ndarray]:
    """Eight leads `[8, samples]` as the twelve of LEADS12."""

    def build(x: np.ndarray) -> np.ndarray:
        one, two = x[0], x[1]
        limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
        return np.concatenate([np.stack(limb), x[2:]])

    return build
