"""Signal quality of a recording: flags by name, the figures behind them, one score.

Judged on the recording as the device gave it, before resampling and filtering. A flag is True,
False, or None where the recording cannot tell (no limb lead beside I and II, a rate too low, a unit
without millivolts). `docs/quality.md` says how each was set and how it does on real recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError
from components.core.signals import noise, rails
from components.core.signals.beats import Beats, find_beats
from components.core.signals.einthoven import deviations
from components.core.signals.leads import LEADS8, select
from components.core.signals.pacing import paced
from components.core.signals.polarity import MAX_FALL, OPPOSED, progression_fall, similarity
from components.core.signals.signal import Signal
from components.core.signals.units import mask_non_finite

Array = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

FLAGS = (
    "flat",
    "saturated",
    "overrange",
    "mains",
    "muscle",
    "wander",
    "noisy",
    "unstable",
    "paced",
    "arm_reversal",
    "wrong_polarity",
    "chest_order",
    "einthoven",
)
# mV. Hum of one small square (0.1 mV) from peak to peak has this root mean square; muscle noise is
# held to the same power. Both then hide a P wave of low but normal height.
_SQUARE_RMS_MV = 0.1 / 2 / 2**0.5
# The baseline leaves its row by a tall square (1 mV = 10 mm): rows of a page lie 25–30 mm apart.
LIMITS: dict[str, float] = {"mains": _SQUARE_RMS_MV, "muscle": _SQUARE_RMS_MV, "wander": 1.0}
# Mean correlation below which a beat does not resemble its template (Orphanidou et al. 2015).
MIN_AGREEMENT = 0.66
# Hz. Noise and beats are judged at about this rate, which holds all that `noise` looks at.
_RATE = 250.0
_SPOILED = ("flat", "saturated", "overrange")


@dataclass(frozen=True, kw_only=True, eq=False)
class Quality:
    """What is wrong with a recording.

    Attributes:
        leads: canonical names in the order of the figures' rows.
        score: 0 to 1, the mean of `lead_scores`.
        lead_scores: `[leads]`; 0 for a lead that is missing, flat, at a rail or out of range, else
            the smallest of 1 / (1 + (figure / limit)²) over mains, muscle and wander: 0.5 where
            one stands at its limit.
        flags: name → found; None where the recording cannot tell.
        flagged: name → leads concerned, for the flags that are about leads.
        figures: name → `[leads]`: `mains` and `muscle` root mean square and `wander` peak to peak
            in mV, `agreement` a correlation; NaN where they cannot be told.
    """

    leads: tuple[str, ...]
    score: float
    lead_scores: Array
    flags: dict[str, bool | None]
    flagged: dict[str, tuple[str, ...]]
    figures: dict[str, Array]

    @property
    def raised(self) -> tuple[str, ...]:
        """Return the names of the flags that are True."""
        return tuple(name for name in FLAGS if self.flags[name])


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
    slow, fs = _slower(strip.values, strip.fs)
    beats = find_beats(slow, fs)
    flat = rails.still(strip.values, strip.fs) & strip.mask
    by_lead = {"flat": flat} | _spoiled(strip)
    figures = _figures(strip, slow, fs, beats)
    for name, limit in LIMITS.items():
        by_lead[name] = None if np.isnan(figures[name]).all() else figures[name] > limit
    scores = _scores(by_lead, figures, strip.mask)
    recording = _recording(replace(strip, mask=strip.mask & ~flat), beats, figures, signal)
    found = {n: None if hit is None else bool(hit.any()) for n, hit in by_lead.items()}
    flags = found | {"noisy": _any(found[n] for n in LIMITS)} | recording.flags
    return Quality(
        leads=strip.leads,
        score=float(scores.mean()),
        lead_scores=scores,
        flags={name: flags[name] for name in FLAGS},
        flagged=_named(by_lead, strip.leads) | recording.flagged,
        figures=figures,
    )


def refuse(quality: Quality, *, reject: Sequence[str], min_quality: float) -> None:
    """Refuse a recording by its flags or its score.

    Args:
        quality: of the recording.
        reject: names out of `FLAGS`; one that is raised refuses. A flag that cannot be told does
            not.
        min_quality: lowest score taken.

    Raises:
        RecordError: `low_quality`.
    """
    hit = [name for name in quality.raised if name in reject]
    if hit:
        reason, value = f"the recording is flagged {', '.join(hit)}", ";".join(hit)
        advice = f"record again, or take {' and '.join(hit)} out of preprocess.ecg.reject"
    elif quality.score < min_quality:
        value = f"{quality.score:.3f}"
        reason = f"the recording's quality is {value}, below {min_quality:g}"
        advice = "record again, or lower preprocess.ecg.min_quality"
    else:
        return
    raise RecordError("low_quality", reason, field="quality", value=value, advice=advice)


@dataclass(frozen=True)
class _Recording:
    flags: dict[str, bool | None]
    flagged: dict[str, tuple[str, ...]]


def _slower(values: Array, fs: float) -> tuple[Array, float]:
    """Return means of whole samples at `_RATE` or up to twice it; they take 7 % off 60 Hz."""
    step = max(1, int(fs // _RATE))
    count = values.shape[1] // step
    if step == 1 or count == 0:
        return values, fs
    return values[:, : count * step].reshape(len(values), count, step).mean(axis=2), fs / step


def _spoiled(strip: Strip) -> dict[str, Bools | None]:
    is_mv = strip.unit == "mV"
    return {
        "saturated": rails.saturated(strip.values, strip.fs, strip.lsb) if is_mv else None,
        "overrange": rails.overrange(strip.values, strip.fs) if is_mv else None,
    }


def _figures(strip: Strip, slow: Array, fs: float, beats: Beats) -> dict[str, Array]:
    absent = np.full(len(slow), np.nan, np.float32)
    figures = dict.fromkeys(LIMITS, absent)
    if strip.unit == "mV":
        figures = {
            "mains": noise.mains(slow, fs),
            "muscle": noise.muscle(slow, fs),
            "wander": noise.wander(slow, fs),
        }
    figures["agreement"] = noise.agreement(beats)
    return {name: np.where(strip.mask, value, np.nan) for name, value in figures.items()}


def _scores(by_lead: dict[str, Bools | None], figures: dict[str, Array], mask: Bools) -> Array:
    scores = mask.astype(np.float32)
    for name, limit in LIMITS.items():
        each = 1 / (1 + np.square(np.nan_to_num(figures[name]) / np.float32(limit)))
        scores = np.minimum(scores, each)
    for name in _SPOILED:
        hit = by_lead[name]
        if hit is not None:
            scores[hit] = 0
    return scores.astype(np.float32)


def _recording(strip: Strip, beats: Beats, figures: dict[str, Array], signal: Signal) -> _Recording:
    similar = similarity(beats, strip.leads, strip.mask)
    fall = progression_fall(beats, strip.leads, strip.mask)
    limb = deviations(signal)
    arms = similar.pop("I") < OPPOSED if "I" in similar else None
    if arms:
        similar.pop("II", None)  # it holds lead III then, which need not look like V6
    turned = tuple(lead for lead, value in similar.items() if value < OPPOSED)
    wrong = tuple(lead for lead, value in limb.items() if value > 1)
    return _Recording(
        flags={
            "unstable": _unstable(figures["agreement"]),
            "paced": paced(strip.values, strip.fs, beats) if strip.unit == "mV" else None,
            "arm_reversal": arms,
            "wrong_polarity": bool(turned) if similar else None,
            "chest_order": None if np.isnan(fall) else fall > MAX_FALL,
            "einthoven": bool(wrong) if limb else None,
        },
        flagged={"wrong_polarity": turned, "einthoven": wrong},
    )


def _unstable(agreement: Array) -> bool | None:
    known = agreement[~np.isnan(agreement)]
    return float(np.median(known)) < MIN_AGREEMENT if len(known) else None


def _any(found: Iterable[bool | None]) -> bool | None:
    known = [each for each in found if each is not None]
    return any(known) if known else None


def _named(by_lead: dict[str, Bools | None], leads: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(lead for lead, bad in zip(leads, hit, strict=True) if bad)
        for name, hit in by_lead.items()
        if hit is not None
    }
