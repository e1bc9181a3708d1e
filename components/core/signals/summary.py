"""Cheap per-lead features for the logistic-regression and gradient-boosting baselines.

N recordings, `[N, leads, L]` in mV (or z); features `[N, F]` float32, NaN where a lead is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.core.signals.leads import LEADS8
from components.core.signals.normalise import real_samples

Array = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Hz. P and T waves lie below 10, the QRS complex in 10–20, its notches and muscle noise above
# (after Thakor, Webster & Tompkins 1984).
BANDS: dict[str, tuple[float, float]] = {
    "0.5_5": (0.5, 5.0),
    "5_10": (5.0, 10.0),
    "10_20": (10.0, 20.0),
    "20_40": (20.0, 40.0),
}
PER_LEAD = ("sd", "peak_to_peak", "skewness", "mean_slope", "peak_slope", *BANDS)
# Beats per minute that the autocorrelation may find: beyond them a 10 s strip is not a rhythm.
RATE_RANGE = (30.0, 220.0)
# Hz of the slope envelope: 20 ms resolve a QRS complex.
_ENVELOPE_HZ = 50.0
# A first peak this near to the highest is the beat; the highest may be a multiple of it.
_FIRST_PEAK = 0.8
# Recordings at a time: few enough for their temporary arrays to stay in a core's cache.
_CHUNK = 2
# Added before the logarithm (mV²/Hz): (1 µV)², below any amplifier's noise.
_FLOOR = 1e-6
_TINY = np.finfo(np.float32).tiny


def feature_names(leads: Sequence[str] = LEADS8) -> list[str]:
    """Return the F names in the order of `summarise`'s columns.

    >>> feature_names(["II"])[:2]
    ['II_sd', 'II_peak_to_peak']
    """
    return [f"{lead}_{name}" for lead in leads for name in PER_LEAD] + ["heart_rate"]


def summarise(
    values: npt.NDArray[np.floating],
    fs: float,
    *,
    lead_mask: Bools | None = None,
    start: npt.NDArray[np.integer] | None = None,
    stop: npt.NDArray[np.integer] | None = None,
) -> Array:
    """Return features `[N, F]`, `F = 9 · leads + 1`, in the order of `feature_names`.

    Per lead: SD, peak-to-peak, skewness, mean and peak |slope| (per s), natural logarithm of the
    power density in each of `BANDS`; then the heart rate in beats/min.

    Args:
        values: `[N, leads, L]`; NaN anywhere in a lead makes its features NaN.
        fs: sampling rate in Hz, above 80 for the highest band.
        lead_mask: `[N, leads]`; all when None.
        start: `[N]`, first real sample; 0 when None.
        stop: `[N]`, one past the last; L when None.

    Raises:
        ValueError: fs is too low for the bands.
    """
    if fs <= 2 * BANDS["20_40"][1]:
        raise ValueError(f"fs is {fs:g} Hz, but the 20–40 Hz band needs more than 80 Hz")
    count, leads, length = values.shape
    mask = np.ones((count, leads), np.bool_) if lead_mask is None else np.asarray(lead_mask)
    first = np.zeros(count, np.int64) if start is None else np.asarray(start)
    last = np.full(count, length, np.int64) if stop is None else np.asarray(stop)
    out = np.empty((count, leads * len(PER_LEAD) + 1), np.float32)
    for at in range(0, count, _CHUNK):
        part = slice(at, at + _CHUNK)
        out[part] = _features(
            np.asarray(values[part], np.float32), fs, mask[part], first[part], last[part]
        )
    return out


def _features(
    x: Array,
    fs: float,
    mask: Bools,
    start: npt.NDArray[np.integer],
    stop: npt.NDArray[np.integer],
) -> Array:
    sums, length = _sums(x), x.shape[2]
    usable = mask & ((stop - start) > 1)[:, None]
    if not np.isfinite(sums).all():  # one of finite samples may be too large, though
        usable &= np.isfinite(x).all(axis=2)
    real, samples = None, np.full(usable.shape, max(length, 2), np.float32)
    if not ((start == 0).all() and (stop == length).all()):
        real = real_samples((x.shape[0], x.shape[1], length), usable, start, stop)
        samples = np.maximum(real.sum(axis=2), 2).astype(np.float32)
    if real is not None or not usable.all():
        x = np.where(usable[..., None] if real is None else real, x, np.float32(0))
        sums = _sums(x)
    centred: Array = np.subtract(x, (sums / samples)[..., None])
    if real is not None:
        centred[~real] = 0
    variance = np.einsum("nct,nct->nc", centred, centred) / samples
    sd = np.sqrt(variance)
    cube = np.einsum("nct,nct,nct->nc", centred, centred, centred) / samples
    slope = _slope(centred, fs, real)
    per_lead = np.empty((*usable.shape, len(PER_LEAD)), np.float32)
    per_lead[..., 0] = sd
    per_lead[..., 1] = centred.max(axis=2) - centred.min(axis=2)
    per_lead[..., 2] = cube / np.maximum(sd**3, _TINY)
    per_lead[..., 3] = slope.sum(axis=2) / (samples - 1)
    per_lead[..., 4] = slope.max(axis=2)
    per_lead[..., 5:] = _band_powers(centred, fs, samples)
    per_lead[~usable] = np.nan
    return np.concatenate(
        [per_lead.reshape(x.shape[0], -1), heart_rate(slope, fs)[:, None]], axis=1
    )


def _sums(x: Array) -> Array:
    """Return each lead's sum, not finite as soon as one of its samples is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.add.reduce(x, axis=2)


def _slope(centred: Array, fs: float, real: Bools | None) -> Array:
    """Return `[N, leads, L - 1]` per s without sign, 0 beside what is not real."""
    slope = centred[..., 1:] - centred[..., :-1]
    np.abs(slope, out=slope)
    if real is not None:
        slope[~(real[..., 1:] & real[..., :-1])] = 0
    slope *= np.float32(fs)
    return slope


def _band_powers(centred: Array, fs: float, samples: Array) -> Array:
    """Return the log power density `[N, leads, bands]` (periodogram, one-sided)."""
    bands = _bands(centred.shape[2], fs)
    first = bands[0].start
    near = fft.rfft(centred, axis=2)[:, :, first : bands[-1].stop]
    power = (near.real**2 + near.imag**2) * np.float32(2 / fs)
    # Bins first: whole rows of leads are added, which is faster than leads one by one.
    power = np.ascontiguousarray(power.transpose(2, 0, 1))
    density = np.empty((*samples.shape, len(bands)), np.float32)
    for number, band in enumerate(bands):
        total = np.add.reduce(power[band.start - first : band.stop - first], axis=0)
        density[..., number] = total / np.maximum(samples * (band.stop - band.start), 1)
    return np.log(density + np.float32(_FLOOR))


@lru_cache(maxsize=16)
def _bands(length: int, fs: float) -> tuple[slice, ...]:
    """Return the bins of each of `BANDS`, which touch each other."""
    frequency = fft.rfftfreq(length, 1 / fs)
    edges = [np.searchsorted(frequency, band).tolist() for band in BANDS.values()]
    return tuple(slice(low, high) for low, high in edges)


def heart_rate(slope: Array, fs: float) -> Array:
    """Return beats/min `[N]` from the autocorrelation of the leads' summed |slope|.

    NaN where the strip is shorter than two of the slowest beats or nothing moves.

    Args:
        slope: `[N, leads, T]`, magnitude of the slope, 0 in padding and missing leads.
        fs: sampling rate in Hz.
    """
    step = max(1, round(fs / _ENVELOPE_HZ))
    bins, rate = slope.shape[2] // step, fs / step
    low, high = int(rate * 60 / RATE_RANGE[1]), int(np.ceil(rate * 60 / RATE_RANGE[0]))
    found = np.full(slope.shape[0], np.nan, np.float32)
    if bins < 2 * high:
        return found
    total = slope.sum(axis=1)[:, : bins * step].reshape(-1, bins, step)
    # The root lessens the weight of one large ectopic beat.
    envelope = np.sqrt(np.einsum("nbs->nb", total) / np.float32(step))
    envelope -= envelope.mean(axis=1, keepdims=True)
    # A length of small factors; the zeros keep the far end from wrapping round.
    padded = fft.next_fast_len(2 * bins, real=True)
    spectrum = fft.rfft(envelope, padded, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = fft.irfft(power, padded, axis=1)[:, : high + 2]
    # Fewer products enter at longer lags.
    correlation = correlation * (bins / (bins - np.arange(high + 2)))
    inner = correlation[:, low : high + 1]
    left, right = correlation[:, low - 1 : high], correlation[:, low + 1 : high + 2]
    is_peak = (inner >= left) & (inner > right) & (inner > 0)
    best = np.where(is_peak, inner, 0).max(axis=1)
    first = np.argmax(is_peak & (inner >= _FIRST_PEAK * best[:, None]), axis=1)
    row = np.arange(len(first))
    lag = low + first + _vertex(left[row, first], inner[row, first], right[row, first])
    return np.where(best > 0, 60 * rate / lag, np.nan).astype(np.float32)


def _vertex(left: Array, middle: Array, right: Array) -> Array:
    """Return where the parabola through three neighbours peaks, in bins from the middle one."""
    curvature = 2 * middle - left - right
    return np.where(curvature > 0, (right - left) / (2 * np.where(curvature > 0, curvature, 1)), 0)
