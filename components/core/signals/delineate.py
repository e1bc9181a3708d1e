"""When a recording's P waves, QRS complexes and T waves begin and end, the same for all leads.

Leads are delineated one by one; P and T are the medians over the leads. QRS is that of the leads'
magnitude √Σx², a lead whose complex is upright in every heart, and which begins with the earliest
lead and ends with the latest. `docs/delineation.md` says how near that comes to cardiologists.
Shapes: K leads, L samples.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import SEGMENTS
from components.core.signals.beats import MIN_BEATS, find_beats
from components.core.signals.prominence import WAVES, waves

Array = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# Hz. Wander below and muscle above; 40 Hz holds what a person sees of a wave's feet.
_BAND = (0.5, 40.0)
# The pass band ends at this share of the rate at the latest, below its half, where none can end.
_HIGHEST = 0.45
# s about a QRS complex's middle by which complexes are compared: a wide one is inside.
_QRS_S = 0.1
# Correlation of a complex with the mean of the others. Of noise it is about 0, of the 200
# recordings of LUDB, ectopic and paced ones too, at least 0.7.
_MIN_ALIKE = 0.5
# s. What is found ahead of the complexes is P where it keeps its distance: median deviation from
# the median. Chosen on LUDB's odd numbers.
_STEADY_S = 0.010
# ms about R within which QRS is sought: its normal limit (AHA/ACCF/HRS 2009), since 140 reaches P;
# then for its end the wider one, taken where complexes are wider than the last. Chosen on LUDB's
# odd numbers.
_QRS_MS, _WIDE_QRS_MS, _WIDE_MS = 120.0, 160.0, 130.0
_P, _QRS, _T = range(len(WAVES))


@dataclass(frozen=True, kw_only=True, eq=False)
class Delineation:
    """Onsets and offsets in samples of the recording, NaN where a wave is absent.

    Attributes:
        at: `[beats]` sample of each QRS complex's middle; empty where no beat is found.
        record: `[beats, 3, 2]` onset and offset of P, QRS and T, for all leads.
        leads: `[K, beats, 3, 2]` the same of each lead; NaN where the lead is missing.
    """

    at: Indices
    record: Floats
    leads: Floats


def segments(
    x: Array, fs: float, *, lead_mask: Bools | None = None, valid: tuple[int, int] | None = None
) -> npt.NDArray[np.int8]:
    """Return `[L]` index into `SEGMENTS` of each sample; −1 all along where no beat is found.

    Padding is `rest`. Of waves that overlap QRS counts before P, P before T, T before ST; without a
    T wave there is no ST.

    Args:
        x: `[K, L]`, finite, in any unit.
        fs: sampling rate in Hz.
        lead_mask: `[K]`, True where the lead is there; all when None.
        valid: first real sample and the one after the last; all when None.
    """
    found = delineate(x, fs, lead_mask=lead_mask, valid=valid)
    return painted(found, x.shape[1])


def painted(found: Delineation, length: int) -> npt.NDArray[np.int8]:
    """Return `[length]` index into `SEGMENTS` of each sample, as `segments`."""
    if len(found.at) == 0:
        return np.full(length, -1, np.int8)
    out = np.full(length, SEGMENTS.index("rest"), np.int8)
    p, qrs, t = (found.record[:, wave] for wave in (_P, _QRS, _T))
    st = np.stack([qrs[:, 1], t[:, 0]], axis=1)
    for name, spans in (("ST", st), ("T", t), ("P", p), ("QRS", qrs)):
        known = spans[~np.isnan(spans).any(axis=1)]
        for first, last in np.rint(known).astype(int):
            out[first:last] = SEGMENTS.index(name)
    return out


def delineate(
    x: Array, fs: float, *, lead_mask: Bools | None = None, valid: tuple[int, int] | None = None
) -> Delineation:
    """Return the waves of a recording; arguments as of `segments`."""
    start, stop = valid or (0, x.shape[1])
    part = x[:, start:stop]
    live = np.ptp(part, axis=1) > 0 if part.shape[1] else np.zeros(len(x), np.bool_)
    if lead_mask is not None:
        live &= lead_mask
    y = _filtered(part[live], fs)
    at = _beats(y, fs)
    leads = np.full((len(x), len(at), len(WAVES), 2), np.nan)
    record = leads[0]
    if len(at):
        # The middle value of a lead is its level: most of a beat is rest.
        level = np.median(y, axis=1, keepdims=True)
        magnitude = np.sqrt(np.square(y - level).sum(axis=0, keepdims=True))
        found = waves(np.concatenate([y, magnitude]), at, fs, qrs_ms=_QRS_MS)
        leads[live] = found[:-1] + start
        record = _consensus(found[:-1], at, fs)
        record[:, _QRS] = _complexes(magnitude, found[-1, :, _QRS], at, fs)
        record += start
    return Delineation(at=at + start, record=record, leads=leads)


def _filtered(x: Array, fs: float) -> Floats:
    """Return `x` `[K, T]` in `_BAND`, every wave at its place."""
    if x.size == 0:
        return x.astype(np.float64)
    from scipy import signal  # half a second

    band = (_BAND[0], min(_BAND[1], _HIGHEST * fs))
    sos = signal.butter(2, band, "bandpass", fs=fs, output="sos")
    pad = min(x.shape[1] - 1, round(fs))
    return signal.sosfiltfilt(sos, x.astype(np.float64), axis=1, padtype="even", padlen=pad)


def _beats(y: Floats, fs: float) -> Indices:
    """Return the middles of the QRS complexes; none where they are few or not alike."""
    none = np.empty(0, np.intp)
    if y.size == 0:
        return none
    at = find_beats(y.astype(np.float32), fs).at
    reach = round(_QRS_S * fs)
    whole = at[(at >= reach) & (at + reach < y.shape[1])]
    if len(whole) < MIN_BEATS:
        return none
    each = np.moveaxis(y[:, whole[:, None] + np.arange(-reach, reach)], 1, 0)
    return at if _alike(each) >= _MIN_ALIKE else none


def _alike(each: Floats) -> float:
    """Return the median correlation of a complex `[beats, K, samples]` with the mean of others."""
    own = each - each.mean(axis=2, keepdims=True)
    others = (own.sum(axis=0) - own) / (len(own) - 1)
    product = (own * others).sum(axis=(1, 2))
    size = np.sqrt(np.square(own).sum(axis=(1, 2)) * np.square(others).sum(axis=(1, 2)))
    return float(np.median(product / np.maximum(size, np.finfo(np.float64).tiny)))


def _consensus(leads: Floats, at: Indices, fs: float) -> Floats:
    """Return `[beats, 3, 2]` medians over `[K, beats, 3, 2]`, without P where it is unsteady."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a wave that no lead shows stays NaN
        record = np.nanmedian(leads, axis=0)
        ahead = at - record[:, _P].mean(axis=1)
        spread = np.nanmedian(np.abs(ahead - np.nanmedian(ahead)))
    # A sample's length is what a low rate can tell.
    if not spread <= max(_STEADY_S, 1 / fs) * fs:
        record[:, _P] = np.nan
    return record


def _complexes(magnitude: Floats, narrow: Floats, at: Indices, fs: float) -> Floats:
    """Return `[beats, 2]` feet of QRS: `narrow`, their ends later where complexes are wide."""
    end = waves(magnitude, at, fs, qrs_ms=_WIDE_QRS_MS)[0, :, _QRS, 1]
    if not np.median(end - narrow[:, 0]) > _WIDE_MS / 1000 * fs:
        return narrow
    return np.stack([narrow[:, 0], end], axis=1)
