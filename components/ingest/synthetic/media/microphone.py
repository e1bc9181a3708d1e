"""What stands between the chest and the file: noise, voices, rubbing, gain, 16 bits."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from components.ingest.synthetic.media.heart_sound import FS

FloatArray = npt.NDArray[np.float64]

# Share of recordings with each artefact; noise is there in all.
RATES = {"speech": 0.12, "friction": 0.10, "noisy": 0.06}
# Root mean square of a stethoscope's own noise against an S1 of 1, log SD over recordings, and how
# much more a noisy room makes it.
_NOISE, _NOISE_SD, _NOISY_FACTOR = 0.012, 0.3, 3.0
# A syllable lasts so long (s) at such a pitch (Hz); its overtones end below the telephone band.
_SYLLABLE_S, _PITCH_HZ, _OVERTONES, _SPEECH = (0.15, 0.4), (110.0, 220.0), 6, (0.05, 0.20)
_RUB_S, _RUB = (0.1, 0.5), (0.2, 0.6)
# Share of full scale that the loudest sample takes.
_PEAK = (0.25, 0.9)
_FULL_SCALE = 32767


@dataclass(frozen=True, kw_only=True)
class Room:
    """What one recording suffers.

    Attributes:
        noise: root mean square of the noise; 0 none.
        speech: someone speaks.
        friction: the stethoscope rubs on the skin.
        peak: share of full scale.
    """

    noise: float = 0.0
    speech: bool = False
    friction: bool = False
    noisy: bool = False
    peak: float = 0.5

    def flags(self) -> list[str]:
        """Return the names of what was added."""
        return [name for name in RATES if getattr(self, name)]


def draw_room(rng: np.random.Generator, *, nuisance: bool) -> Room:
    """Draw what one recording suffers; without nuisance nothing."""
    hit = rng.random(len(RATES)) < np.array(list(RATES.values()))
    speech, friction, noisy = (bool(each) for each in hit)
    level, low_high = rng.standard_normal(), rng.uniform(*_PEAK)
    if not nuisance:
        return Room()
    noise = _NOISE * float(np.exp(_NOISE_SD * level)) * (_NOISY_FACTOR if noisy else 1.0)
    return Room(noise=noise, speech=speech, friction=friction, noisy=noisy, peak=float(low_high))


def recorded(clean: FloatArray, room: Room, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Return `[samples]` counts as the microphone keeps them."""
    out = clean.copy()
    if room.noise > 0:
        out += room.noise * _hum(len(out), rng)
    if room.speech:
        _speak(out, rng)
    if room.friction:
        _rub(out, rng)
    loudest = float(np.abs(out).max())
    return np.round(out * (room.peak * _FULL_SCALE / loudest)).astype(np.int16)


def wav(counts: npt.NDArray[np.int16]) -> bytes:
    """Return the counts as a mono WAV file of 16 bits at `FS`."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(FS)
        file.writeframes(counts.astype("<i2").tobytes())
    return stream.getvalue()


def samples(content: bytes) -> npt.NDArray[np.int16]:
    """Return the counts of a file that `wav` wrote."""
    with wave.open(io.BytesIO(content), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def _hum(samples: int, rng: np.random.Generator) -> FloatArray:
    """Return noise of unit root mean square, louder below about 150 Hz, as rooms and bodies are."""
    pole = float(np.exp(-2 * np.pi * 150.0 / FS))
    noise = lfilter([1.0 - pole], [1.0, -pole], rng.standard_normal(samples))
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float64)


def _speak(out: FloatArray, rng: np.random.Generator) -> None:
    """Add a few syllables: overtones of a pitch that fall off, under a smooth envelope."""
    size = rng.uniform(*_SPEECH)
    for _ in range(int(rng.integers(2, 7))):
        count = round(rng.uniform(*_SYLLABLE_S) * FS)
        start = int(rng.integers(0, len(out) - count))
        time, pitch = np.arange(count) / FS, rng.uniform(*_PITCH_HZ)
        voice = np.zeros(count)
        for number in range(1, _OVERTONES + 1):
            voice += np.sin(2 * np.pi * number * pitch * time + rng.uniform(0, 2 * np.pi)) / number
        out[start : start + count] += size * voice * np.hanning(count)


def _rub(out: FloatArray, rng: np.random.Generator) -> None:
    """Add a rustle or two."""
    size = rng.uniform(*_RUB)
    for _ in range(int(rng.integers(1, 4))):
        count = round(rng.uniform(*_RUB_S) * FS)
        start = int(rng.integers(0, len(out) - count))
        out[start : start + count] += size * _hum(count, rng) * np.hanning(count)
