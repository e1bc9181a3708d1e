"""The calibration pulse that some electrocardiographs store before or after the recording.

A rectangle of 1 mV and 0.2 s on all leads at once (IEC 60601-2-25; Philips files hold 11 s with the
pulse in the last). It is no ECG: left in, it would be taken for one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.signals.signal import Signal

Array = npt.NDArray[np.float32]

# mV and its tolerance: IEC 60601-2-25 allows 5 %, rounding and a filter's overshoot take the rest.
HEIGHT_MV, _TOLERANCE = 1.0, 0.1
# s. Pulses of 0.1–0.3 s are in use.
_SHORTEST_S, _LONGEST_S = 0.1, 0.3
# s in which an edge has risen.
_EDGE_S = 0.006
# mV by which the pulse's top and the line beside it may move; no heart holds all leads this still.
_STILL_MV = 0.05
# mV by which a line without noise is left: two counts of 5 uV.
_QUIET_MV = 0.01
# s of still line on the pulse's far side, where the recording does not end at once.
_LINE_S = 0.02
# s at either end of the file in which a pulse is looked for.
_SEARCH_S = 1.5


def real_part(signal: Signal) -> slice:
    """Return the samples of `signal` that are no calibration pulse nor the still line beside it.

    All samples where no pulse is found, or where the unit is not mV.
    """
    whole = slice(0, signal.samples)
    if signal.unit != "mV" or not signal.leads or not 2 * _SEARCH_S * signal.fs <= signal.samples:
        return whole
    reach = round(_SEARCH_S * signal.fs)
    # A lead without an electrode may stay silent in the pulse too; the others decide.
    head, tail = slice(0, reach), slice(-reach, None)
    stop = signal.samples - _end(signal, tail, backwards=True)
    return slice(_end(signal, head, backwards=False), stop)


def _end(signal: Signal, part: slice, *, backwards: bool) -> int:
    """Return how many samples at the start (backwards: the end) are pulse and line."""
    live = np.flatnonzero(np.ptp(signal.values[:, part], axis=1))  # counts may wrap round
    # The pulse rises in every lead at once, so two leads nearly always rule it out.
    first = _physical(signal, part, live[:2])
    if not _rises(first[:, ::-1] if backwards else first, signal.fs).any():
        return 0
    x = _physical(signal, part, live)
    return _length(x[:, ::-1] if backwards else x, signal.fs)


def _physical(signal: Signal, part: slice, chosen: npt.NDArray[np.intp]) -> Array:
    """Return the chosen leads of a part, `[n, T]`; none where a value is not finite."""
    cut = signal.values[:, part]
    physical = cut[chosen].astype(np.float32) * signal.lsb[chosen, None].astype(np.float32)
    return physical if np.isfinite(physical).all() else physical[:0]


def _edge(fs: float) -> int:
    return max(1, round(_EDGE_S * fs))


def _rises(x: Array, fs: float) -> npt.NDArray[np.bool_]:
    """Return at which samples all of two leads or more of `x` `[n, T]` step up by the pulse."""
    edge = _edge(fs)
    if len(x) < 2:
        return np.zeros(max(x.shape[1] - edge, 0), np.bool_)
    return (x[:, edge:] - x[:, :-edge]).min(axis=0) > HEIGHT_MV * (1 - _TOLERANCE)


def _length(x: Array, fs: float) -> int:
    """Return how many samples at the start of `x` `[n, T]` are pulse and line, 0 without one."""
    rise = np.flatnonzero(_rises(x, fs))
    if len(rise) == 0:
        return 0
    start, edge = int(rise[0]), _edge(fs)
    fall = np.flatnonzero(_rises(-x, fs))
    fall = fall[fall > start]
    if len(fall) == 0:
        return 0
    return _checked(x, fs, start=start, stop=int(fall[-1]) + edge)


def _checked(x: Array, fs: float, *, start: int, stop: int) -> int:
    """Return the length if samples `start` to `stop` hold a pulse and nothing but line before."""
    edge = _edge(fs)
    top = x[:, start + 2 * edge : stop - 2 * edge]
    lasts = _SHORTEST_S <= (stop - start) / fs <= _LONGEST_S + 2 * _EDGE_S
    if not lasts or top.shape[1] == 0:
        return 0
    line = x[:, : start + 1] if start else x[:, stop : stop + round(_LINE_S * fs)]
    height = top.mean(axis=1) - line.mean(axis=1)
    still = max(float(np.ptp(top, axis=1).max()), float(np.ptp(line, axis=1).max())) <= _STILL_MV
    if not still or np.abs(height - HEIGHT_MV).max() > HEIGHT_MV * _TOLERANCE:
        return 0
    return _after_line(x, stop, line)


def _after_line(x: Array, stop: int, line: Array) -> int:
    """Return the first sample from `stop` on at which some lead has left the line."""
    level, noise = line.mean(axis=1, keepdims=True), np.ptp(line, axis=1, keepdims=True)
    left = (np.abs(x[:, stop:] - level) > np.maximum(2 * noise, _QUIET_MV)).any(axis=0)
    return stop + (int(np.argmax(left)) if left.any() else left.size)
