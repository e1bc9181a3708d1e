"""Judging the signal quality of a recording, or of a window of it.

Judged on the recording as the device gave it, before resampling and filtering. A flag is None where
the recording cannot tell: no limb lead beside I and II, a rate too low, a unit without millivolts,
or a paced complex, whose shape says nothing of electrodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.core.signals import noise, rails
from components.core.signals.beats import Beats, find_beats
from components.core.signals.einthoven import deviations
from components.core.signals.leads import LEADS8, select
from components.core.signals.pacing import paced, spikes, without
from components.core.signals.polarity import MAX_FALL, OPPOSED, progression_fall, similarity
from components.core.signals.quality import FLAGS, LIMITS, Quality
from components.core.signals.rows import median
from components.core.signals.signal import Signal
from components.core.signals.spectrum import Spectrum, spectrum
from components.core.signals.units import mask_non_finite

Array = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# Mean correlation below which a beat does not resemble its template (Orphanidou et al. 2015).
MIN_AGREEMENT = 0.66
# Hz. Noise and beats are judged at about this rate, which holds all that `noise` looks at.
_RATE = 250.0
_SPOILED = ("flat", "saturated", "overrange")


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """The leads to be judged: `values` `[leads, T]`, zeros where `mask` `[leads]` is False."""

    values: Array
    mask: Bools
    leads: tuple[str, ...]
    fs: float
    unit: str
    lsb: npt.NDArray[np.float64]


def assess(signal: Signal, leads: Sequence[str] = LEADS8) -> Quality:
    """Return the quality of `leads` in a recording of at least one sample.

    Raises:
        RecordError: `duplicate_lead`, `nan_samples`.
        ConfigError: a wanted name is not canonical.
    """
    values, present = select(signal, leads)
    return judge(strip_of(signal, values, mask_non_finite(values, present), leads), signal)


def strip_of(signal: Signal, values: Array, mask: Bools, leads: Sequence[str]) -> Strip:
    """Return the selected, finite `values` `[leads, T]` of `signal` as a strip to be judged."""
    gain = dict(zip(signal.leads, signal.lsb, strict=True)) if signal.is_integer else {}
    lsb = np.array([gain.get(lead, np.nan) for lead in leads], np.float64)
    return Strip(
        values=values, mask=mask, leads=tuple(leads), fs=signal.fs, unit=signal.unit, lsb=lsb
    )


def judge(strip: Strip, signal: Signal) -> Quality:
    """Return the quality of a strip; `signal` is asked for the limb leads beside I and II."""
    slow = _slower(strip.values, strip.fs)
    beats, is_paced = _beats(strip, slow)
    flat = rails.still(strip.values, strip.fs) & strip.mask
    figures = _figures(strip, slow, beats)
    by_lead = {"flat": flat} | _spoiled(strip) | _beyond(figures)
    # A paced complex has a shape of its own, wherever the electrodes are.
    told = strip.mask & ~flat & (not is_paced)
    recording = _recording(beats, figures["agreement"], leads=strip.leads, mask=told, signal=signal)
    found = {n: None if hit is None else bool(hit.any()) for n, hit in by_lead.items()}
    found |= {"noisy": _any(found[n] for n in LIMITS), "paced": is_paced} | recording.flags
    scores = _scores(by_lead, figures, strip.mask)
    return Quality(
        leads=strip.leads,
        score=float(scores.mean()),
        lead_scores=scores,
        flags={name: found[name] for name in FLAGS},
        flagged=_named(by_lead, strip.leads) | recording.flagged,
        figures=figures,
    )


@dataclass(frozen=True)
class _Recording:
    flags: dict[str, bool | None]
    flagged: dict[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class _Slow:
    """Values `[leads, T]` at about `_RATE`."""

    values: Array
    fs: float

    @cached_property
    def spectrum(self) -> Spectrum:
        """Return the spectrum of the values, for the beats and the noise alike."""
        return spectrum(self.values)


def _slower(values: Array, fs: float) -> _Slow:
    """Return means of whole samples at `_RATE` or up to twice it; they take 7 % off 60 Hz."""
    step = max(1, int(fs // _RATE))
    count = values.shape[1] // step
    if step == 1 or count == 0:
        return _Slow(values, fs)
    used = values[:, : count * step]
    # Several times as fast as `mean` over so short an axis.
    if step == 2:
        total = used[:, ::2] + used[:, 1::2]
    else:
        total = np.einsum("lcs->lc", used.reshape(len(values), count, step))
    total /= np.float32(step)
    return _Slow(total, fs / step)


def _beats(strip: Strip, slow: _Slow) -> tuple[Beats, bool | None]:
    """Return the beats, and whether they are paced (None where that cannot be told)."""
    if strip.unit != "mV":
        return find_beats(slow.values, slow.fs, slow.spectrum), None
    pulses = spikes(strip.values, strip.fs)
    if len(pulses) == 0:
        found = find_beats(slow.values, slow.fs, slow.spectrum)
        return found, paced(strip.values, pulses, strip.fs)
    # In every lead at once and steeper than a complex, pulses would pass for beats.
    smooth = without(strip.values, pulses, strip.fs)
    calm = _slower(smooth, strip.fs)
    return find_beats(calm.values, calm.fs), paced(smooth, pulses, strip.fs)


def _spoiled(strip: Strip) -> dict[str, Bools | None]:
    is_mv = strip.unit == "mV"
    return {
        "saturated": rails.saturated(strip.values, strip.fs, strip.lsb) if is_mv else None,
        "overrange": rails.overrange(strip.values, strip.fs) if is_mv else None,
    }


def _figures(strip: Strip, slow: _Slow, beats: Beats) -> dict[str, Array]:
    absent = np.full(len(slow.values), np.nan, np.float32)
    figures = dict.fromkeys(LIMITS, absent)
    if strip.unit == "mV":
        figures = {
            "mains": noise.mains(slow.values, slow.fs),
            "muscle": noise.muscle(slow.values, slow.fs, slow.spectrum),
            "wander": noise.wander(slow.values, slow.fs),
        }
    figures["agreement"] = noise.agreement(beats)
    return {name: np.where(strip.mask, value, np.nan) for name, value in figures.items()}


def _beyond(figures: dict[str, Array]) -> dict[str, Bools | None]:
    known = {name: figures[name] for name in LIMITS}
    return {n: None if np.isnan(v).all() else v > LIMITS[n] for n, v in known.items()}


def _scores(by_lead: dict[str, Bools | None], figures: dict[str, Array], mask: Bools) -> Array:
    limits = np.array([[limit] for limit in LIMITS.values()], np.float32)
    shares = np.stack([figures[name] for name in LIMITS]) / limits
    each = np.fmin.reduce(1 / (1 + np.square(shares)), axis=0)  # NaN where none is known
    scores = np.fmin(mask.astype(np.float32), each)
    for name in _SPOILED:
        hit = by_lead[name]
        if hit is not None:
            scores[hit] = 0
    return scores


def _recording(
    beats: Beats, agreement: Array, *, leads: Sequence[str], mask: Bools, signal: Signal
) -> _Recording:
    similar = similarity(beats, leads, mask)
    fall = progression_fall(beats, leads, mask)
    limb = deviations(signal)
    arms = similar.pop("I") < OPPOSED if "I" in similar else None
    if arms:
        similar.pop("II", None)  # it holds lead III then, which need not look like V6
    turned = tuple(lead for lead, value in similar.items() if value < OPPOSED)
    wrong = tuple(lead for lead, value in limb.items() if value > 1)
    return _Recording(
        flags={
            "unstable": _unstable(agreement),
            "arm_reversal": arms,
            "wrong_polarity": bool(turned) if similar else None,
            "chest_order": None if np.isnan(fall) else fall > MAX_FALL,
            "einthoven": bool(wrong) if limb else None,
        },
        flagged={"wrong_polarity": turned, "einthoven": wrong},
    )


def _unstable(agreement: Array) -> bool | None:
    known = agreement[~np.isnan(agreement)]
    return float(median(known)) < MIN_AGREEMENT if len(known) else None


def _any(found: Iterable[bool | None]) -> bool | None:
    known = [each for each in found if each is not None]
    return any(known) if known else None


def _named(by_lead: dict[str, Bools | None], leads: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(lead for lead, bad in zip(leads, hit, strict=True) if bad)
        for name, hit in by_lead.items()
        if hit is not None
    }
