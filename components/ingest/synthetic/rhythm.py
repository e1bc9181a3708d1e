"""When the heart beats: sinus rhythm with a two-band spectrum, fibrillation, ectopic beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Mayer waves and respiration (McSharry et al. 2003), in Hz, with their half-widths.
_BANDS = ((0.10, 0.01), (0.25, 0.02))
_COMPONENTS = 5
# A premature ventricular beat comes at this share of the interval and is followed by a pause, so
# that the two intervals together keep the sinus rhythm (compensatory pause).
_PREMATURE = 0.62
_FIBRILLATION_SD = 0.17  # of the log interval


@dataclass(frozen=True, kw_only=True, eq=False)
class Rhythm:
    """The beats of a recording.

    Attributes:
        r_times: `[beats]` s from the start; the first and last lie outside the recording.
        rr: `[beats]` the interval that led to each beat, s.
        ectopic: `[beats]` True where the beat starts in the ventricle.
    """

    r_times: FloatArray
    rr: FloatArray
    ectopic: npt.NDArray[np.bool_]


def beats(
    rng: np.random.Generator,
    *,
    seconds: float,
    rate: float,
    variability: float,
    fibrillation: bool = False,
    ectopics: int = 0,
) -> Rhythm:
    """Draw the beats that cover `seconds`.

    Args:
        rng: stream of the recording.
        seconds: length of the recording.
        rate: mean heart rate, beats per minute.
        variability: SD of the RR interval, seconds.
        fibrillation: irregularly irregular intervals.
        ectopics: how many premature ventricular beats to place.
    """
    mean = 60.0 / rate
    count = int(np.ceil((seconds + 3.0) / mean * 1.6)) + 2
    if fibrillation:
        rr = mean * np.exp(_FIBRILLATION_SD * rng.standard_normal(count))
    else:
        rr = mean + variability * _two_band(rng, np.arange(count, dtype=np.float64) * mean)
    rr = np.clip(rr, 0.30, 2.0)
    ectopic = np.zeros(count, dtype=np.bool_)
    inside = np.flatnonzero(np.cumsum(rr) < seconds)
    for beat in rng.choice(inside[2:-1], size=min(ectopics, len(inside) // 4), replace=False):
        if not ectopic[beat - 1 : beat + 2].any():
            early = (1.0 - _PREMATURE) * rr[beat]
            rr[beat] -= early
            rr[beat + 1] += early
            ectopic[beat] = True
    times = np.cumsum(rr) - rr[0] - mean * rng.random()
    keep = times < seconds + 0.5
    return Rhythm(r_times=times[keep], rr=rr[keep], ectopic=ectopic[keep])


def _two_band(rng: np.random.Generator, seconds: FloatArray) -> FloatArray:
    """Return `[beats]` of unit variance whose spectrum is two Gaussian bands of equal power."""
    total = np.zeros_like(seconds)
    for centre, half in _BANDS:
        frequency = centre + half * rng.standard_normal(_COMPONENTS)
        phase = 2 * np.pi * rng.random(_COMPONENTS)
        total += np.cos(2 * np.pi * frequency[:, None] * seconds + phase[:, None]).sum(axis=0)
    # Each cosine has variance 1/2; two bands of _COMPONENTS cosines.
    return total / np.sqrt(_COMPONENTS)
