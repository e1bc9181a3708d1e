"""Lower sampling rates: down to the rate and back up, by the resampler that serving uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from components.core.signals.resample import resample
from components.evaluate.robustness.recordings import Change, Condition, Recordings, Setup

KIND = "Sampling rate"


def conditions(setup: Setup) -> Iterator[Condition]:
    """Yield one condition per rate."""
    for rate in setup.config.fs:
        lower = rate < setup.fs
        yield Condition(
            kind=KIND,
            key=f"fs_{rate:g}",
            title=f"{rate:g} Hz",
            change=_resampling(setup.fs, rate) if lower else None,
            remark=f"and back to {setup.fs:g} Hz"
            if lower
            else f"the task's own rate is {setup.fs:g} Hz: nothing changes",
        )


def _resampling(fs: float, rate: float) -> Change:
    def change(recordings: Recordings) -> Recordings:
        values = np.zeros_like(recordings.values)
        for start, stop in np.unique(recordings.valid, axis=0).tolist():
            # Padding is no signal: each record is resampled between its own ends.
            rows = np.flatnonzero((recordings.valid == (start, stop)).all(axis=1))
            if stop > start:
                lower = resample(recordings.values[rows, :, start:stop], fs, rate)
                values[rows, :, start:stop] = resample(lower, rate, fs)[..., : stop - start]
        return replace(recordings, values=values)

    return change
