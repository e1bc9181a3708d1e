"""All heart sounds of a prepared cohort: sketched shard by shard, compared where alike.

Letters: `W` windows of a record, `M` mel filters, `T` frames of a window, `V` windows that are
there.

A copy that begins later has its windows cut at other places, and a recording has no fixed order of
its sites. So excerpts that begin at heart sounds are sketched, and every window of one record is
compared with every one of the other under all lags.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from components.audit.similarity.banding import Ints, Pairs
from components.audit.similarity.basis import fit_basis
from components.audit.similarity.sketches import Sketches
from components.audit.similarity.traces import Floats
from components.core.data.arrays import ArrayPart

# dB below a window's loudest hundredth: there copies of other codings differ.
_DEEP, _LOUD = 50.0, 0.99
# Shares of a window, 5 s by default: an excerpt of 1.5 s holds a beat or two, heart sounds lie
# 0.25 s apart or more at up to 120 beats a minute, and two windows have half of their time in
# common to be compared.
_EXCERPT, _APART, _OVERLAP = 0.3, 0.05, 0.5
# Excerpts of a window: the first eight heart sounds.
_MOST = 8
# Records per batch: 64 of 6 windows × 32 × 251 are 12 MB.
_BATCH = 64


def levels(values: npt.NDArray[np.float16]) -> Floats:
    """Return dB `[V, M, T]` around each filter's mean: gain and microphone are gone."""
    decibels = values.astype(np.float32)
    top = np.quantile(decibels, _LOUD, axis=(1, 2), keepdims=True)
    decibels = np.maximum(decibels, top - _DEEP)
    return np.asarray(decibels - decibels.mean(axis=2, keepdims=True), np.float32)


def sketch(part: ArrayPart) -> Sketches:
    """Return the sketches of all records that have sounds; memory holds one batch of them."""
    record = np.flatnonzero(part.there).astype(np.int64)
    cut: list[Floats] = []
    owner: list[Ints] = []
    for first in range(0, len(record), _BATCH):
        some = record[first : first + _BATCH]
        for number, windows in zip(some, _windows(part, some), strict=True):
            cut.append(_excerpts(windows))
            owner.append(np.full(len(cut[-1]), number, np.int64))
    if not sum(map(len, cut)):
        return Sketches(vectors=np.zeros((0, 1), np.float32), record=np.zeros(0, np.int64))
    whole = np.concatenate(cut)
    return Sketches(vectors=fit_basis(whole).sketch(whole), record=np.concatenate(owner))


def _windows(part: ArrayPart, records: Ints) -> list[Floats]:
    """Return the levels of each record's windows."""
    values, valid = part.values(records), part.valid(records)
    if valid is None:  # one piece a record
        return [levels(each[None]) for each in values]
    return [levels(each[there]) for each, there in zip(values, valid, strict=True)]


def _excerpts(windows: Floats) -> Floats:
    """Return `[excerpts, F]` from each window's heart sounds on, at half the resolution."""
    frames = windows.shape[2]
    size = max(2, round(_EXCERPT * frames))
    window, frame = _onsets(windows.mean(axis=1), max(1, round(_APART * frames)), frames - size)
    at = frame[:, None] + np.arange(size // 2 * 2)
    parts = windows[window[:, None], :, at]  # [excerpts, frames, mels]
    mels = windows.shape[1] // 2 * 2
    halved = parts[:, :, :mels].reshape(len(window), size // 2, 2, mels // 2, 2)
    return np.asarray(halved.mean(axis=(2, 4)).reshape(len(window), size // 2 * (mels // 2)),
                      np.float32)  # fmt: skip


def _onsets(loudness: Floats, apart: int, last: int) -> tuple[Ints, Ints]:
    """Return window and frame of the first loudest places, none after frame `last`."""
    smooth = uniform_filter1d(loudness, 3, axis=1, mode="nearest")
    peak = (smooth == maximum_filter1d(smooth, 2 * apart + 1, axis=1)) & (smooth > 0)
    peak[:, last + 1 :] = False
    peak &= np.cumsum(peak, axis=1) <= _MOST
    window, frame = np.nonzero(peak)
    return window.astype(np.int64), frame.astype(np.int64)


def compare(part: ArrayPart, pairs: Pairs) -> Floats:
    """Return `[P]` in [-1, 1], 1 for copies: the correlation of the windows that agree best."""
    found = np.full(len(pairs), -1.0, np.float32)
    for number, both in enumerate(zip(pairs.left, pairs.right, strict=True)):
        found[number] = agreement(*_windows(part, np.array(both)))
    return found


def agreement(one: Floats, two: Floats) -> float:
    """Return the highest correlation of a window of one record with one of the other.

    Args:
        one: `[V, M, T]` levels.
        two: `[U, M, T]`, as many filters and frames.
    """
    if not len(one) or not len(two):
        return -1.0
    frames = one.shape[2]
    size = 2 * frames
    left, right = np.conj(np.fft.rfft(one, size)), np.fft.rfft(two, size)
    cross = np.fft.irfft(np.einsum("vmf,umf->vuf", left, right), size)
    whole = np.fft.rfft(np.ones(frames), size)
    own = np.fft.irfft(np.conj(np.fft.rfft((one * one).sum(axis=1), size)) * whole, size)
    other = np.fft.irfft(np.conj(whole) * np.fft.rfft((two * two).sum(axis=1), size), size)
    energy = own[:, None] * other[None]
    # Of what rounding leaves of a silent stretch, no correlation is taken.
    least = 1e-6 * float(energy.max())
    r = np.divide(cross, np.sqrt(np.maximum(energy, 0)), out=np.zeros_like(cross),
                  where=energy > max(least, 1e-12))  # fmt: skip
    lag = np.minimum(np.arange(size), size - np.arange(size))
    return float(r[:, :, frames - lag >= _OVERLAP * frames].max())
