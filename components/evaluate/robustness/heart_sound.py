"""A phonocardiogram made from nothing: bursts of the first and second heart sound.

A burst is a decaying sum of two tones. Lengths, pitches and their place in the beat are those of
textbooks (Rangayyan and Lehner, Crit Rev Biomed Eng 1987;15:211): S1 long and low with the
beginning of the ventricles' contraction, S2 shorter and higher at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Beats per minute of an adult at rest.
_RATE = (55.0, 100.0)
# s from S1 to S2 at 60/min; electromechanical systole shortens with the root of the beat (Bazett).
_SYSTOLE_S = 0.33
# Relative spread of one beat's length around the mean.
_IRREGULAR = 0.03


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A heart sound.

    Attributes:
        seconds: until it has decayed to a hundredth.
        tones: Hz of its tones.
        loudness: peak, relative to S1.
    """

    seconds: float
    tones: tuple[float, float]
    loudness: float


S1 = Sound(seconds=0.14, tones=(35.0, 60.0), loudness=1.0)
S2 = Sound(seconds=0.11, tones=(50.0, 75.0), loudness=0.7)
# Murmurs, breath and skin beneath the sounds, relative to S1.
_FLOOR = 0.02


def heart_sound(rng: np.random.Generator, length: int, *, fs: float) -> Floats:
    """Return `[length]` samples of a heart sound, S1 about 1; tones above fs/2 are left out.

    Args:
        rng: draws rate, beats and phases.
        length: number of samples.
        fs: sampling rate in Hz.
    """
    beat = 60 / rng.uniform(*_RATE)
    time = np.arange(length) / fs
    found = _FLOOR * rng.standard_normal(length)
    start = -rng.uniform(0, beat)
    while start < length / fs:
        found += _burst(time - start, S1, rng, fs)
        found += _burst(time - start - _SYSTOLE_S * beat**0.5, S2, rng, fs)
        start += beat * (1 + _IRREGULAR * rng.standard_normal())
    return found


def _burst(time: Floats, sound: Sound, rng: np.random.Generator, fs: float) -> Floats:
    """Return the sound that begins at `time` 0, silent before it."""
    inside = (time >= 0) & (time < sound.seconds)
    own, out = time[inside], np.zeros_like(time)
    # A rise of a tenth of its length keeps the beginning from being a click.
    envelope = (1 - np.exp(-own / (0.1 * sound.seconds))) * np.exp(
        -np.log(100) * own / sound.seconds
    )
    for tone in sound.tones:
        phase = rng.uniform(0, 2 * np.pi)
        if tone < fs / 2:
            out[inside] += 0.5 * np.sin(2 * np.pi * tone * own + phase)
    out[inside] *= sound.loudness * envelope
    return out
