"""The ECG of a patient: morphology from the scores, rhythm, and the noise-free eight leads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.rhythm import Rhythm, beats
from components.ingest.synthetic.vcg import DOWER, Kernels, Morphology, beat, paced, ventricular

FloatArray = npt.NDArray[np.float64]
Signal32 = npt.NDArray[np.float32]

SECONDS = 10.0
# SD of a score between two recordings of one patient (posture, electrodes, time of day).
_RETEST_SD = 0.08
# SD of a lead's amplitude between patients and between recordings (electrode placement).
_LEAD_SD_PATIENT, _LEAD_SD_RECORDING = 0.05, 0.03
# A wave's amplitude and time vary from beat to beat by 2 % and 1 ms; respiration adds 3 %.
_BEAT_GAIN_SD, _BEAT_TIME_SD, _RESPIRATION = 0.02, 0.001, 0.03
# A beat is drawn from here before R to here after it, s.
_BEFORE, _AFTER = 0.34, 0.66
_FIBRILLATION_HZ = (4.5, 7.5)
_FIBRILLATION_MV = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Heart:
    """What stays the same over a patient's recordings.

    Attributes:
        form: morphology.
        lead_gain: `[8]` factor per lead.
        rate: resting heart rate, beats per minute.
        variability: SD of RR, s.
    """

    form: Morphology
    lead_gain: FloatArray
    rate: float
    variability: float


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """Rhythm disturbances of one recording."""

    fibrillation: bool = False
    ectopics: int = 0
    pacing: bool = False


def draw_heart(
    scores: FloatArray, *, age: float, female: bool, bmi: float, rng: np.random.Generator
) -> Heart:
    """Draw a patient's heart; everything but the `[5]` scores is irrelevant to the label.

    Means and spreads of the irrelevant part follow Rijnbeek et al. 2014 (normal adults).
    """
    draw = rng.standard_normal(16)
    r_amplitude, r_progression, qrs_width, t_v5v6, qtc = (float(value) for value in scores)
    form = Morphology(
        r_amplitude=r_amplitude,
        r_progression=r_progression,
        qrs_width=qrs_width,
        t_v5v6=t_v5v6,
        qtc=qtc,
        gain=float(np.exp(0.10 * draw[0] - 0.006 * (bmi - 27.0))),
        axis=float(np.clip(0.18 * draw[1] - 0.05 * (age - 55.0) / 10.0, -0.7, 0.6)),
        turn=float(0.06 * draw[2]),
        pr=float(np.clip(0.158 + 0.018 * draw[3] + 0.003 * (age - 55.0) / 10.0, 0.11, 0.24)),
        p_gain=float(np.exp(0.2 * draw[4])),
        st=float(0.02 * draw[5]),
    )
    return Heart(
        form=form,
        lead_gain=np.exp(_LEAD_SD_PATIENT * draw[6:14]),
        rate=float(np.clip(72.0 + 10.0 * draw[14] + 3.0 * female, 46.0, 115.0)),
        variability=float(0.028 * np.exp(0.4 * draw[15] - 0.25 * (age - 55.0) / 10.0)),
    )


def retest(heart: Heart, rng: np.random.Generator) -> Heart:
    """Return the heart as one recording sees it."""
    noise = _RETEST_SD * rng.standard_normal(5)
    form = replace(
        heart.form,
        r_amplitude=heart.form.r_amplitude + noise[0],
        r_progression=heart.form.r_progression + noise[1],
        qrs_width=heart.form.qrs_width + noise[2],
        t_v5v6=heart.form.t_v5v6 + noise[3],
        qtc=heart.form.qtc + noise[4],
    )
    gain = heart.lead_gain * np.exp(_LEAD_SD_RECORDING * rng.standard_normal(8))
    rate = float(np.clip(heart.rate + 5.0 * rng.standard_normal(), 42.0, 130.0))
    return replace(heart, form=form, lead_gain=gain, rate=rate)


def synthesise(
    heart: Heart, disturbance: Disturbance, *, fs: int, rng: np.random.Generator
) -> tuple[Signal32, Rhythm]:
    """Return the noise-free leads `[8, samples]` in mV and the rhythm."""
    rhythm = beats(
        rng,
        seconds=SECONDS,
        rate=heart.rate,
        variability=heart.variability,
        fibrillation=disturbance.fibrillation,
        ectopics=disturbance.ectopics,
    )
    samples = round(SECONDS * fs)
    dipole = np.zeros((samples, 3))
    for number, time in enumerate(rhythm.r_times):
        kernels = _kernels(heart, disturbance, rhythm, number)
        kernels = _vary(kernels, 1.0 + _RESPIRATION * np.sin(2 * np.pi * 0.25 * time), rng)
        _add(dipole, kernels, float(time), fs)
    if disturbance.fibrillation:
        dipole += _fibrillation(samples, fs, rng)
    leads = (DOWER * heart.lead_gain[:, None]) @ dipole.T
    # The limb leads share their electrodes: their gains stay equal, or III would not be II - I.
    leads[:2] = DOWER[:2] @ dipole.T
    return leads.astype(np.float32), rhythm


def _kernels(heart: Heart, disturbance: Disturbance, rhythm: Rhythm, number: int) -> Kernels:
    if disturbance.pacing:
        return paced()
    # Repolarisation follows the rate over many beats: a share of the mean steadies QT.
    rr = float(0.3 * rhythm.rr[number] + 0.7 * 60.0 / heart.rate)
    if rhythm.ectopic[number]:
        return ventricular(rr)
    form = replace(heart.form, p_gain=0.0) if disturbance.fibrillation else heart.form
    return beat(form, rr=rr)


def _vary(kernels: Kernels, gain: float, rng: np.random.Generator) -> Kernels:
    count = len(kernels.centre)
    factor = gain * (1.0 + _BEAT_GAIN_SD * rng.standard_normal(count))
    return replace(
        kernels,
        centre=kernels.centre + _BEAT_TIME_SD * rng.standard_normal(count),
        dipole=kernels.dipole * factor[:, None],
    )


def _add(dipole: FloatArray, kernels: Kernels, r_time: float, fs: int) -> None:
    start = max(0, int(np.ceil((r_time - _BEFORE) * fs)))
    stop = min(len(dipole), int((r_time + _AFTER) * fs))
    if stop > start:
        dipole[start:stop] += kernels.dipole_at(np.arange(start, stop) / fs - r_time)


def _fibrillation(samples: int, fs: int, rng: np.random.Generator) -> FloatArray:
    """Return f-waves `[samples, 3]`: a few wandering oscillations, largest towards V1 and II."""
    seconds = np.arange(samples) / fs
    low, high = _FIBRILLATION_HZ
    wave = np.zeros(samples)
    for frequency in rng.uniform(low, high, 4):
        wander = 1.5 * np.sin(2 * np.pi * 0.3 * seconds + 2 * np.pi * rng.random())
        wave += np.sin(2 * np.pi * frequency * seconds + wander + 2 * np.pi * rng.random())
    return 0.5 * _FIBRILLATION_MV * wave[:, None] * np.array([-0.3, 0.7, -0.9])


def median_beat(heart: Heart, *, fs: int, seconds: float = 1.2) -> Signal32:
    """Return the noise-free average beat `[8, samples]` in mV, R at 40 % of `seconds`."""
    time = np.arange(round(seconds * fs)) / fs - 0.4 * seconds
    dipole = beat(heart.form, rr=60.0 / heart.rate).dipole_at(time)
    leads = (DOWER * heart.lead_gain[:, None]) @ dipole.T
    leads[:2] = DOWER[:2] @ dipole.T
    return leads.astype(np.float32)
