"""ECG-like recordings, cheap to make by the thousand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SECONDS = 10
# Distinct recordings; the others are these, shifted in time, since only their making costs.
_DISTINCT = 16


def recording(number: int, *, leads: int, fs: int) -> npt.NDArray[np.float32]:
    """Return recording `number` `[leads, 10·fs]` in mV: beats of about 1 mV, wander and noise."""
    rng = np.random.default_rng([number % _DISTINCT, leads, fs])
    time = np.arange(SECONDS * fs) / fs
    # QRS of about 60 ms, 60 a minute. All but the noise goes on smoothly from the end to the start,
    # since Fourier resampling takes a recording for periodic.
    beat = np.exp(-(((time % 1.0) - 0.5) ** 2) / (2 * 0.012**2))
    gains = rng.uniform(0.4, 1.4, (leads, 1))
    wander = 0.2 * np.sin(2 * np.pi * 0.2 * time + rng.uniform(0, 6, (leads, 1)))
    noise = 0.01 * rng.standard_normal((leads, time.size))
    values = gains * beat + wander + noise
    return np.roll(values, number * 37 % time.size, axis=1).astype(np.float32)
