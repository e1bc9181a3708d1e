"""Where a record is looked at: windows that begin at its own heart beats.

A window tied to a beat is found again in a copy that begins earlier or later, which a window tied
to the record's start is not (content-defined chunking, as in Muthitacharoen et al. 2001).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from components.audit.similarity.traces import Floats, Traces

# Seconds. Three hold two to five beats: morphology and rhythm, and a copy that shares half of a
# 10 s recording still has whole windows in common.
WINDOW = 3.0
_BEFORE = 0.2  # the P wave of the first beat
# Seconds: refractory distance of beat detectors (Pan and Tompkins 1985: 200 ms), and smoothing.
_REFRACTORY, _SMOOTH = 0.25, 0.08
# Share of the 98th percentile of slope energy that a beat reaches.
_HEIGHT, _QUANTILE = 0.4, 0.98
# Beats used per record: the first eight span 5 s or more at 100 beats a minute.
MOST = 8


def find_anchors(traces: Traces) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return record number and sample of every beat whose window lies in the recording.

    At most `MOST` per record, the first ones. Beats are local maxima of the summed slopes of all
    leads.
    """
    slope = np.abs(np.diff(traces.signal, axis=-1, prepend=traces.signal[..., :1])).sum(axis=1)
    energy = uniform_filter1d(slope, max(1, round(_SMOOTH * traces.fs)), axis=-1)
    width = 2 * round(_REFRACTORY * traces.fs) + 1
    peak = energy == maximum_filter1d(energy, width, axis=-1)
    rank = int(_QUANTILE * (energy.shape[1] - 1))
    height = np.partition(energy, rank, axis=-1)[:, rank : rank + 1]
    time = np.arange(energy.shape[1])
    before, whole = _shape(traces.fs)
    first, last = traces.valid[:, :1] + before, traces.valid[:, 1:] - (whole - before)
    peak &= (energy > _HEIGHT * height) & (time >= first) & (time <= last)
    peak &= np.cumsum(peak, axis=-1) <= MOST
    record, sample = np.nonzero(peak)
    return record.astype(np.int64), sample.astype(np.int64)


def cut_windows(
    traces: Traces, record: npt.NDArray[np.int64], sample: npt.NDArray[np.int64]
) -> Floats:
    """Return `[M, L * T]`: every second sample of the windows, the leads one after another."""
    before, whole = _shape(traces.fs)
    smooth = uniform_filter1d(traces.signal, 3, axis=-1)
    at = sample[:, None] - before + np.arange(0, whole, 2)
    parts = smooth[record[:, None, None], np.arange(smooth.shape[1])[:, None], at[:, None, :]]
    return parts.reshape(len(record), smooth.shape[1] * at.shape[1])


def _shape(fs: float) -> tuple[int, int]:
    """Return samples before the anchor and in the whole window."""
    return round(_BEFORE * fs), round(WINDOW * fs)
