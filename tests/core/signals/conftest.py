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
