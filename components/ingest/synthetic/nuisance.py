"""What stands between the heart and the file: noise, electrode faults, missing leads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from components.ingest.synthetic.ecg import SECONDS, Disturbance
from components.ingest.synthetic.rhythm import Rhythm
from components.ingest.synthetic.vcg import LEADS_8

Signal32 = npt.NDArray[np.float32]

# Root mean square per site's device: muscle noise, mains hum, baseline wander, in mV.
SITE_NOISE = {"A": (0.010, 0.004, 0.04), "B": (0.007, 0.002, 0.03), "C": (0.016, 0.008, 0.06)}
MAINS_HZ = 50.0
# Share of recordings that carry each disturbance; orders of magnitude of large ECG archives.
RATES = {
    "fibrillation": 0.03,
    "ectopics": 0.06,
    "pacing": 0.004,
    "arm_reversal": 0.01,
    "electrode_motion": 0.08,
    "flat_lead": 0.012,
    "missing_lead": 0.008,
    "noisy": 0.05,
}
# Only chest electrodes come loose here: without a limb electrode there is no recording at all.
_CHEST = tuple(range(2, 8))
# A noisy recording against an ordinary one of its site, whose own factor stays below 2.
_NOISY_FACTOR, _ORDINARY_MAX = 3.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """What one recording suffers; `flags` lists it for the truth table.

    Attributes:
        disturbance: rhythm.
        arm_reversal: right and left arm electrode exchanged.
        electrode_motion: lead index with a step and a slow return, or -1.
        flat_lead: lead index that is constant, or -1.
        missing_lead: lead index that the file leaves out, or -1.
        noise: factor on the site's noise; 0 leaves the signal clean.
    """

    disturbance: Disturbance = field(default_factory=Disturbance)
    arm_reversal: bool = False
    electrode_motion: int = -1
    flat_lead: int = -1
    missing_lead: int = -1
    noise: float = 0.0

    def flags(self) -> list[str]:
        """Return the names of what was added, each with its lead where it has one."""
        named = [name for name in ("fibrillation", "pacing") if getattr(self.disturbance, name)]
        named += ["ectopics"] if self.disturbance.ectopics else []
        named += ["arm_reversal"] if self.arm_reversal else []
        named += ["noisy"] if self.noise >= _NOISY_FACTOR else []
        for name in ("electrode_motion", "flat_lead", "missing_lead"):
            lead = getattr(self, name)
            named += [f"{name}:{LEADS_8[lead]}"] if lead >= 0 else []
        return named


def draw_nuisance(rng: np.random.Generator) -> Nuisance:
    """Draw what one recording suffers."""
    hit = dict(zip(RATES, rng.random(len(RATES)) < np.array(list(RATES.values())), strict=True))
    lead = {
        name: int(rng.choice(_CHEST)) if hit[name] else -1
        for name in ("electrode_motion", "flat_lead", "missing_lead")
    }
    pacing, fibrillation = hit["pacing"], hit["fibrillation"] and not hit["pacing"]
    ordinary = min(float(np.exp(0.3 * rng.standard_normal())), _ORDINARY_MAX)
    ectopics = int(rng.integers(1, 4)) if hit["ectopics"] and not pacing else 0
    return Nuisance(
        disturbance=Disturbance(
            fibrillation=bool(fibrillation), ectopics=ectopics, pacing=bool(pacing)
        ),
        arm_reversal=bool(hit["arm_reversal"]),
        noise=_NOISY_FACTOR if hit["noisy"] else ordinary,
        **lead,
    )


def disturb(
    clean: Signal32,
    nuisance: Nuisance,
    *,
    rhythm: Rhythm,
    site: str,
    fs: int,
    rng: np.random.Generator,
) -> Signal32:
    """Return `[8, samples]` in mV as the device records it (missing leads are left to the writer).

    Noise is added to the eight independent leads; the others are derived later, as devices do, so
    the limb leads keep Einthoven's relation under noise too.
    """
    signal = clean.copy()
    if nuisance.disturbance.pacing:
        _add_spikes(signal, rhythm, fs)
    if nuisance.arm_reversal:
        # Exchanging the arms turns I round and exchanges II and III = II - I.
        signal[0], signal[1] = -clean[0], clean[1] - clean[0]
    if nuisance.noise > 0:
        muscle, mains, wander = (nuisance.noise * level for level in SITE_NOISE[site])
        signal += muscle_noise(signal.shape, muscle, fs, rng)
        signal += _oscillations(signal.shape, mains, wander, rng)
    if nuisance.electrode_motion >= 0:
        signal[nuisance.electrode_motion] += electrode_step(signal.shape[1], fs, rng)
    if nuisance.flat_lead >= 0:
        signal[nuisance.flat_lead] = 0.0
    return signal


def muscle_noise(
    shape: tuple[int, ...], level: float, fs: int, rng: np.random.Generator
) -> Signal32:
    """Return broad-band noise, low-passed at about 120 Hz, louder in bursts."""
    white = rng.standard_normal(shape, dtype=np.float32)
    pole = np.float32(np.exp(-2 * np.pi * 120.0 / fs))
    smooth = lfilter([np.float32(np.sqrt(1 - pole**2))], [np.float32(1.0), -pole], white)
    phase = np.linspace(0, 2 * np.pi * rng.uniform(0.5, 2.0), shape[1], dtype=np.float32)
    burst = 1.0 + 0.4 * np.sin(phase + np.float32(2 * np.pi * rng.random()))
    return (level * burst * smooth).astype(np.float32)


def _oscillations(
    shape: tuple[int, ...], mains: float, wander: float, rng: np.random.Generator
) -> Signal32:
    """Return mains hum and baseline wander: a few sinusoids, mixed differently into each lead."""
    frequency = np.array([MAINS_HZ, 0.07, 0.17, 0.30])
    scale = np.array([mains, wander, 0.6 * wander, 0.5 * wander]) * np.sqrt(2.0)
    time = np.linspace(0.0, SECONDS, shape[1], endpoint=False, dtype=np.float32)
    phase = rng.uniform(0, 2 * np.pi, 4)
    rate = frequency * np.array([1.0, *rng.uniform(0.8, 1.2, 3)])
    angle = (2 * np.pi * rate)[:, None].astype(np.float32) * time
    waves = np.sin(angle + phase[:, None].astype(np.float32))
    mixing = scale * rng.normal(0.0, 1.0, (shape[0], 4))
    return (mixing.astype(np.float32) @ waves).astype(np.float32)


def electrode_step(samples: int, fs: int, rng: np.random.Generator) -> Signal32:
    """Return one step of an electrode's potential that decays within about a second."""
    start = int(rng.integers(0, samples))
    size, decay = rng.normal(0.0, 0.6), rng.uniform(0.2, 0.8)
    out = np.zeros(samples, dtype=np.float32)
    out[start:] = size * np.exp(-np.arange(samples - start) / (decay * fs))
    return out


def _add_spikes(signal: Signal32, rhythm: Rhythm, fs: int) -> None:
    """Add a 2 ms, 2 mV pacing spike 60 ms before every R (bipolar ones are smaller)."""
    for time in rhythm.r_times:
        start = round((time - 0.06) * fs)
        if 0 <= start < signal.shape[1]:
            signal[:, start : start + max(1, round(0.002 * fs))] += 2.0
