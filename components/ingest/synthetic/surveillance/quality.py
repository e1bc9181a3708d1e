"""Poor recordings, their signal-to-noise ratio, and what an annotator calls them.

The ratio is that of the noise really added, lead by lead: power of the heart's own signal over the
power of what the recording has besides it, both above 0.5 Hz, for slow wander is filtered from the
page that an annotator sees. A lead without contact counts with the lowest ratio.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.ecg import SECONDS
from components.ingest.synthetic.nuisance import Nuisance, disturb, electrode_step, muscle_noise
from components.ingest.synthetic.rhythm import Rhythm

Signal32 = npt.NDArray[np.float32]

_KINDS = ("strong_muscle", "strong_motion", "lost_electrodes")
GRADES = ("acceptable", "unacceptable")
# Muscle noise of a poor recording, root mean square in mV; steps per lead and 10 s; leads lost.
_MUSCLE_MV, _STEPS, _LOST = (0.08, 0.40), (4, 15), (2, 7)
# Lowest and highest ratio of one lead, dB: beyond these it looks the same on paper.
_DB = (-10.0, 25.0)
# Mean ratio over the leads below which a recording is truly unacceptable, dB.
UNACCEPTABLE_BELOW = 5.0
# Lower edge of the display filter of ECG paper and monitors, Hz.
_DISPLAY_HZ = 0.5


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Shares of recordings that are poor on top of the therapy part's nuisance, by what is wrong.

    `annotator_error` is the share that the annotator calls the other way.
    """

    muscle: float = 0.050
    motion: float = 0.045
    lost_electrodes: float = 0.035
    annotator_error: float = 0.03


NONE = Rates(muscle=0.0, motion=0.0, lost_electrodes=0.0, annotator_error=0.0)


@dataclass(frozen=True, kw_only=True)
class Graded:
    """The quality of one recording.

    Attributes:
        snr_db: mean signal-to-noise ratio over the eight leads, dB.
        true: of `GRADES`, by the ratio.
        annotated: of `GRADES`, as an annotator wrote it.
        poor: what of `Rates` the recording suffers, as flags of the truth.
    """

    snr_db: float
    true: str
    annotated: str
    poor: tuple[str, ...]


def record(
    clean: Signal32,
    nuisance: Nuisance,
    *,
    rhythm: Rhythm,
    site: str,
    fs: int,
    rng: np.random.Generator,
    rates: Rates,
) -> tuple[Signal32, Graded]:
    """Return `[8, samples]` mV as the device records it, and its quality.

    Args:
        clean: the heart's own leads, `[8, samples]` mV.
        nuisance: what every recording of a cohort may suffer.
        rhythm: of the recording.
        site: A, B or C.
        fs: sampling rate in Hz.
        rng: stream of the recording.
        rates: how often what is wrong.
    """
    spared = replace(nuisance, noise=0.0, electrode_motion=-1, flat_lead=-1)
    # Without noise `disturb` draws nothing: exchanged arms and spikes are no noise.
    heart = disturb(clean, spared, rhythm=rhythm, site=site, fs=fs, rng=rng)
    signal = disturb(clean, nuisance, rhythm=rhythm, site=site, fs=fs, rng=rng)
    chances = (rates.muscle, rates.motion, rates.lost_electrodes)
    hit = rng.random(len(_KINDS)) < np.array(chances)
    poor = tuple(kind for kind, there in zip(_KINDS, hit, strict=True) if there)
    lost = {nuisance.flat_lead, nuisance.missing_lead} - {-1}
    if "strong_muscle" in poor:
        signal += muscle_noise(signal.shape, float(rng.uniform(*_MUSCLE_MV)), fs, rng)
    if "strong_motion" in poor:
        signal += _motion(signal.shape[1], fs, rng)
    if "lost_electrodes" in poor:
        # Only chest electrodes come loose, as in the nuisance of every recording.
        lost |= {int(x) for x in rng.choice(np.arange(2, 8), rng.integers(*_LOST), replace=False)}
        signal[sorted(lost)] = 0.0
    ratio = snr_db(heart, signal, lost=sorted(lost))
    true = GRADES[int(ratio < UNACCEPTABLE_BELOW)]
    wrong = bool(rng.random() < rates.annotator_error)
    annotated = GRADES[(true == GRADES[1]) != wrong]
    return signal, Graded(snr_db=ratio, true=true, annotated=annotated, poor=poor)


def snr_db(heart: Signal32, recorded: Signal32, *, lost: list[int]) -> float:
    """Return the mean over leads of the signal-to-noise ratio of `[8, samples]` mV, dB."""
    low, high = _DB
    power = _power_above(heart, _DISPLAY_HZ)
    noise = _power_above(recorded - heart, _DISPLAY_HZ)
    # A noise floor of 1e-12 mV^2 keeps a clean lead finite, far above the cap.
    ratio = np.clip(10.0 * np.log10((power + 1e-12) / (noise + 1e-12)), low, high)
    ratio[lost] = low
    return float(ratio.mean())


def _power_above(signal: Signal32, hertz: float) -> npt.NDArray[np.float64]:
    """Return the power above a frequency per lead, mV^2 (Parseval's theorem)."""
    samples = signal.shape[1]
    # What lies above is everything but the first few coefficients, which need no whole transform.
    waves = _slow_waves(samples, int(np.ceil(hertz * SECONDS)))
    slow = np.abs(signal @ waves / samples) ** 2
    slow[:, 1:] *= 2.0
    return np.maximum((signal.astype(np.float64) ** 2).mean(axis=1) - slow.sum(axis=1), 0.0)


@cache
def _slow_waves(samples: int, count: int) -> npt.NDArray[np.complex64]:
    """Return the first `count` vectors of the Fourier transform, `[samples, count]`."""
    time = np.arange(samples)[:, None] / samples
    return np.exp(-2j * np.pi * np.arange(count) * time).astype(np.complex64)


def _motion(samples: int, fs: int, rng: np.random.Generator) -> Signal32:
    """Return steps of electrode potentials in all leads, `[8, samples]` mV."""
    out = np.zeros((8, samples), dtype=np.float32)
    for lead in range(8):
        for _ in range(int(rng.integers(*_STEPS))):
            out[lead] += electrode_step(samples, fs, rng)
    return out
