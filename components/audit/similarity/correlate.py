"""Exact comparison of two recordings that are thought to be copies of one another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.audit.similarity.traces import Floats, Traces

Ints = npt.NDArray[np.int64]

# Seconds that two recordings must share to be compared: over less, a few regular beats of two
# people correlate like copies (measured on 2,213 public recordings: 0.95 over 5 s).
OVERLAP = 6.0
# Seconds: a stretch holds one beat at least. Copies agree in every stretch; recordings that share
# one artefact agree in that one only.
_STRETCH = 2.0
# Share of the stretches in which two recordings may agree less than the figure says.
_LOWER = 0.25
# Below this at whole samples, the interpolated lag cannot lift a pair to a copy's correlation: half
# a sample of misalignment costs a QRS complex about 0.05.
COARSE = 0.80


def coarse(one: Traces, two: Traces, lag: Ints) -> tuple[Floats, Ints]:
    """Return correlation `[P]` over all leads at whole samples, and the lag `[P]` it is found at.

    Args:
        one: P recordings.
        two: their counterparts.
        lag: samples by which the content of `one` lies later than that of `two`, give or take one.
    """
    best, where = np.full(len(lag), -1.0, np.float32), lag.copy()
    for step in (-1, 0, 1):
        moved, shared = _moved(one, two, lag + step)
        cross = np.einsum("plt,plt->p", moved, two.signal * shared)
        scale = np.sqrt(_energy(moved) * _energy(two.signal * shared))
        enough = (shared.sum(axis=(1, 2)) >= OVERLAP * two.fs) & (scale > 0)
        r = np.divide(cross, scale, out=np.full_like(cross, -1.0), where=enough)
        better = r > best
        best[better], where[better] = r[better], (lag + step)[better]
    return best, where


def correlations(one: Traces, two: Traces, lag: Ints) -> Floats:
    """Return `[P]` in [-1, 1], 1 for copies whatever their gains, offsets and lags.

    The lower quartile over stretches of 2 s, then the median over the leads that both have: one
    lead or one stretch that is disturbed changes little. -1 where the two share less than
    `OVERLAP` seconds or fewer than half of their leads.
    """
    moved, shared = _moved(one, two, lag)
    moved = _refined(moved, two.signal) * shared
    other = two.signal * shared
    r = _stretches(moved, other, max(1, round(_STRETCH * two.fs)))
    present = np.logical_or.reduce(np.isfinite(r), axis=2)
    enough = (shared.sum(axis=(1, 2)) >= OVERLAP * two.fs) & (2 * present.sum(axis=1) >= r.shape[1])
    figure = np.full(len(lag), -1.0, np.float32)
    for pair in np.flatnonzero(enough):
        per_lead = np.nanquantile(r[pair][present[pair]], _LOWER, axis=1)
        figure[pair] = np.median(per_lead)
    return figure


def concentration(one: Traces, two: Traces, lag: Ints) -> Floats:
    """Return `[P]`, how much of what differs lies in the beats: 1 when it lies everywhere alike.

    The difference after the best gain, squared and weighted by the energy of the signals, over its
    plain mean square; the median over leads. What was added to a copy (noise) lies everywhere, what
    tells two people apart whose beats fall together lies in the complexes.
    """
    moved, shared = _moved(one, two, lag)
    moved = _refined(moved, two.signal) * shared
    other = two.signal * shared
    scale = np.einsum("plt,plt->pl", moved, moved)
    cross = np.einsum("plt,plt->pl", moved, other)
    gain = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0)
    squared = (other - gain[..., None] * moved) ** 2
    energy = moved**2 + other**2
    plain = energy.sum(axis=-1) * squared.sum(axis=-1)
    weighted = (energy * squared).sum(axis=-1) * shared.sum(axis=-1)
    figure = np.divide(weighted, plain, out=np.ones_like(plain), where=plain > 0)
    return np.median(figure, axis=1).astype(np.float32)


def _moved(one: Traces, two: Traces, lag: Ints) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return `one` on the time axis of `two` and `[P, 1, T]` where both are real."""
    length = two.signal.shape[-1]
    at = np.arange(length) + lag[:, None]
    real = (at >= one.valid[:, :1]) & (at < one.valid[:, 1:])
    time = np.arange(length)
    real &= (time >= two.valid[:, :1]) & (time < two.valid[:, 1:])
    leads = np.arange(one.signal.shape[1])[:, None]
    rows = np.arange(len(lag))[:, None, None]
    moved = one.signal[rows, leads, at.clip(0, one.signal.shape[-1] - 1)[:, None, :]]
    return moved * real[:, None, :], real[:, None, :]


def _energy(x: Floats) -> Floats:
    return np.einsum("plt,plt->p", x, x)


def _refined(moved: Floats, other: Floats) -> Floats:
    """Return `moved` shifted by the fraction of a sample at which it fits `other` best.

    The vertex of the parabola through the cross-correlation at -1, 0 and 1; the shift is a phase
    in the Fourier domain.
    """
    cross = [
        np.einsum("plt,plt->p", moved[..., 1:-1], other[..., 1 - step : other.shape[-1] - 1 - step])
        for step in (-1, 0, 1)
    ]
    curve = cross[0] - 2 * cross[1] + cross[2]
    vertex = np.divide(cross[0] - cross[2], 2 * curve, out=np.zeros_like(curve), where=curve < 0)
    frequency = np.fft.rfftfreq(moved.shape[-1])
    phase = np.exp(2j * np.pi * frequency * vertex.clip(-1, 1)[:, None])[:, None, :]
    spectrum = np.fft.rfft(moved, axis=-1) * phase
    return np.fft.irfft(spectrum, moved.shape[-1], axis=-1).astype(np.float32)


def _stretches(one: Floats, two: Floats, size: int) -> Floats:
    """Return correlation `[P, L, stretches]`, NaN where either side is constant."""
    count = one.shape[-1] // size
    shape = (*one.shape[:2], count, size)
    a, b = (x[..., : count * size].reshape(shape) for x in (one, two))
    cross = (a * b).sum(axis=-1)
    scale = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.divide(cross, scale, out=np.full_like(cross, np.nan), where=scale > 1e-3)
