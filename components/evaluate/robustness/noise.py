"""Noise at stated ratios of signal to noise: mains hum, muscle noise, baseline wander.

The ratio is the signal's power over the noise's, in dB: the power of a record is its variance over
time, averaged over its leads. Noise is added before the task's own filters, as in life; those are
linear, so filtering the noise alone and adding it comes to the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, cast

import numpy as np
from numpy import fft

from components.core.signals import filters
from components.evaluate.robustness.recordings import Change, Condition, Recordings, Setup, Values

KIND = "Noise"
# Hz. Electromyographic noise begins at about 20 Hz; a bedside ECG's own band ends at 150 Hz
# (Kligfield et al. 2007). Wander from breathing and movement lies below 0.5 Hz.
BANDS = {"muscle": (20.0, 150.0), "wander": (0.05, 0.5)}
_TITLES = {"mains": "mains hum", "muscle": "muscle noise", "wander": "baseline wander"}


def conditions(setup: Setup) -> Iterator[Condition]:
    """Yield one condition per kind of noise and ratio."""
    for name, title in _TITLES.items():
        for snr in setup.config.snr_db:
            level = 10 ** (-snr / 20)
            shown = f"{f'{setup.config.mains_hz} Hz ' if name == 'mains' else ''}{title}"
            known = _possible(setup, name)
            yield Condition(
                kind=KIND,
                key=f"{name}_{snr:g}db",
                title=f"{shown}, {snr:g} dB",
                change=_adding(setup, name, level) if known else None,
                remark=f"about {level * setup.rms:.2g} {setup.unit} root mean square"
                if known
                else f"cannot be shown at {setup.fs:g} Hz",
            )


def _possible(setup: Setup, name: str) -> bool:
    lowest = setup.config.mains_hz if name == "mains" else BANDS[name][0]
    return lowest < setup.fs / 2


def _adding(setup: Setup, name: str, level: float) -> Change:
    def change(recordings: Recordings) -> Recordings:
        real = recordings.real()
        noise = filtered(unit_noise(recordings, setup, name), setup)
        return replace(
            recordings,
            values=recordings.values
            + noise * (level * record_rms(recordings))[:, None, None] * real,
        )

    return change


def record_rms(recordings: Recordings) -> Values:
    """Return `[B]` the root of the mean over leads of each lead's variance over real samples."""
    real = recordings.real()
    count = np.maximum(real.sum(axis=2), 1)
    mean = recordings.values.sum(axis=2) / count
    squares = (np.square(recordings.values - mean[:, :, None]) * real).sum(axis=2)
    leads = np.maximum(recordings.lead_mask.sum(axis=1), 1)
    return np.sqrt((squares / count).sum(axis=1) / leads).astype(np.float32)


def unit_noise(recordings: Recordings, setup: Setup, name: str) -> Values:
    """Return `[B, K, L]` noise of root mean square 1 in each lead, the same at every level.

    Each record draws from its own stream: neither the batch nor the other records change it.
    """
    leads, length = recordings.values.shape[1:]
    out = np.empty(recordings.values.shape, np.float32)
    for place, record in enumerate(recordings.ids):
        keys = (setup.config.seed, zlib.crc32(name.encode()), zlib.crc32(record.encode()))
        rng = np.random.default_rng(keys)
        if name == "mains":
            out[place] = _hum(rng, length, hz=setup.config.mains_hz / setup.fs)
        else:
            out[place] = _band(rng, (leads, length), setup.fs, BANDS[name])
    return out / np.sqrt(np.square(out).mean(axis=2, keepdims=True))


def _hum(rng: np.random.Generator, length: int, *, hz: float) -> Values:
    """Return `[L]` one hum in all leads; `hz` in cycles per sample."""
    phase = rng.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * hz * np.arange(length) + phase).astype(np.float32)


def _band(
    rng: np.random.Generator, shape: tuple[int, int], fs: float, band: tuple[float, float]
) -> Values:
    """Return Gaussian noise `[K, L]` with equal power at every frequency of the band."""
    frequency = fft.rfftfreq(shape[1], 1 / fs)
    inside = (frequency >= band[0]) & (frequency <= min(band[1], fs / 2))
    # A record shorter than a cycle of the band still has its slowest wave.
    inside[1] |= not inside.any()
    spectrum = np.zeros((shape[0], frequency.size), np.complex64)
    draws = rng.standard_normal((2, shape[0], int(inside.sum())), np.float32)
    spectrum[:, inside] = draws[0] + 1j * draws[1]
    return fft.irfft(spectrum, shape[1], axis=1).astype(np.float32)


def filtered(noise: Values, setup: Setup) -> Values:
    """Return `[B, K, L]` through the task's own filters, as what a device recorded."""
    if setup.highpass_hz is None and setup.notch_hz is None:
        return noise
    notch = cast("Literal[50, 60] | None", setup.notch_hz)
    return np.stack(
        [
            filters.apply(each, setup.fs, highpass_hz=setup.highpass_hz, notch_hz=notch)
            for each in noise
        ]
    )
