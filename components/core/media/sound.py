"""Heart sounds → log-mel windows of one shape.

Each recording is brought to one rate and to a root mean square of 1, since microphones are not
calibrated; then it is cut into windows, and of each window the power in mel bands is taken in dB.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import resample_poly

from components.core.errors import ConfigError, RecordError
from components.core.media.config import SoundConfig
from components.core.readers.audio import Sound

# 120 dB below the recording's mean power: silence has a level, not minus infinity.
_FLOOR = 1e-12
# Of the highest value: ten steps of float32. What moves by less around its mean is constant.
_STEADY = 1e-6
# Share of a recording's size that the resampling filter lets through of what lies above the new
# rate's half: 0.0034 of 1,500 Hz, less of higher tones. What is left then is no sound of a heart.
_LEAKAGE = 0.005


@dataclass(frozen=True, kw_only=True, eq=False)
class LogMel:
    """The windows of one record.

    Attributes:
        values: `[W, M, T]` float16, dB; 0 where there is no window.
        valid: `[W]` which windows are there.
        site: `[W]` number of the recording that each window is of; −1 where there is none.
    """

    values: npt.NDArray[np.float16]
    valid: npt.NDArray[np.bool_]
    site: npt.NDArray[np.int64]


def log_mel(sounds: Sequence[Sound], config: SoundConfig) -> LogMel:
    """Return the windows of a record's recordings, each site's first ones in turn.

    Raises:
        RecordError: `sound_too_short`, `silent`, `bad_rate` of one of them.
    """
    cut = [_windows(_prepared(sound, config), config) for sound in sounds]
    order = in_turn([len(each) for each in cut], config.windows)
    values = np.zeros(config.shape, np.float16)
    site = np.full(config.windows, -1, np.int64)
    if order:
        stacked = np.stack([cut[where][number] for where, number in order])
        values[: len(order)] = _decibels(stacked, config)
        site[: len(order)] = [where for where, _ in order]
    return LogMel(values=values, valid=site >= 0, site=site)


def in_turn(counts: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Return recording and number of each window of a record, each recording's first ones in turn.

    Args:
        counts: windows of each recording.
        most: windows of a record.

    >>> in_turn([2, 1], 6)
    [(0, 0), (1, 0), (0, 1)]
    """
    return [
        (site, number)
        for number in range(max(counts, default=0))
        for site, count in enumerate(counts)
        if number < count
    ][:most]


def usable(sounds: Sequence[Sound], config: SoundConfig) -> tuple[list[int], list[RecordError]]:
    """Return the places of a record's recordings that can be used, and why the others cannot."""
    places: list[int] = []
    refused: list[RecordError] = []
    for place, sound in enumerate(sounds):
        try:
            log_mel([sound], config)
        except RecordError as error:
            refused.append(error)
        else:
            places.append(place)
    return places, refused


def _prepared(sound: Sound, config: SoundConfig) -> npt.NDArray[np.float32]:
    """Return a recording at the rate of `config` with a root mean square of 1."""
    seconds = len(sound.values) / sound.fs
    if seconds < config.shortest_s:
        raise RecordError(
            "sound_too_short",
            f"the recording lasts {seconds:.2f} s, less than {config.shortest_s:g} s",
            field="pcg_audio",
            value=f"{seconds:.2f}",
            advice="record for at least a few beats",
        )
    if sound.fs < 2 * config.high_hz:
        raise RecordError(
            "bad_rate",
            f"a recording at {sound.fs:g} Hz holds nothing up to {config.high_hz:g} Hz",
            field="fs",
            value=f"{sound.fs:g}",
            advice=f"record at {2 * config.high_hz:g} Hz or more",
        )
    level = _level(sound)
    even = _resampled(level, round(sound.fs), config.fs)
    size = _size(even)
    if not size > _LEAKAGE * _size(level):
        raise _silent(f"the recording is silent below {config.fs / 2:g} Hz")
    return (even / size).astype(np.float32)


def _size(values: npt.NDArray[np.float32]) -> float:
    """Return the root mean square."""
    return math.sqrt(float(np.mean(values.astype(np.float64) ** 2)))


def _silent(sentence: str) -> RecordError:
    return RecordError(
        "silent", sentence, field="pcg_audio", advice="check the stethoscope and record again"
    )


def _level(sound: Sound) -> npt.NDArray[np.float32]:
    """Return a recording around 0 with a peak of 1, so that no later sum overflows.

    Raises:
        RecordError: `silent`.
    """
    values = sound.values.astype(np.float64)
    highest = float(np.abs(values).max())
    values -= values.mean()
    peak = float(np.abs(values).max())
    if not peak > _STEADY * highest:
        raise _silent("the recording is silent")
    return (values / peak).astype(np.float32)


def _torchaudio() -> Any:  # noqa: ANN401 - a module without type hints
    from components.core.compat import import_torchaudio

    return import_torchaudio()


def _resampled(values: npt.NDArray[np.float32], fs: int, to: int) -> npt.NDArray[np.float32]:
    """Return a recording at another rate, whole ratios of any size in memory for the sound alone.

    torchaudio's filter for 2,000 from 399,999 Hz would take gigabytes.
    """
    common = math.gcd(fs, to)
    return resample_poly(values, to // common, fs // common).astype(np.float32)


def _windows(values: npt.NDArray[np.float32], config: SoundConfig) -> npt.NDArray[np.float32]:
    """Return `[w, samples]`; a recording shorter than one window is repeated to fill it."""
    if len(values) < config.samples:
        return np.resize(values, config.samples)[None]
    count = len(values) // config.samples
    return values[: count * config.samples].reshape(count, config.samples)


def _decibels(windows: npt.NDArray[np.float32], config: SoundConfig) -> npt.NDArray[np.float16]:
    """Return `[w, M, T]` dB of windows `[w, samples]`."""
    with torch.no_grad():
        transform = _filters(
            config.fs, config.low_hz, config.high_hz, config.mels,
            round(config.frame_s * config.fs), config.hop,
        )  # fmt: skip
        power = transform(torch.from_numpy(windows))
    return (10 * torch.log10(power + _FLOOR)).numpy().astype(np.float16)


@lru_cache(maxsize=4)
def _filters(fs: int, low: float, high: float, mels: int, frame: int, hop: int) -> Any:  # noqa: ANN401 - torchaudio has no type hints
    # Zero-padded to four times a frame: narrow filters at low pitch need bins between the bins.
    size = 2 ** math.ceil(math.log2(4 * frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty filters, which are refused below
        found = _torchaudio().transforms.MelSpectrogram(
            sample_rate=fs, n_fft=size, win_length=frame, hop_length=hop,
            f_min=low, f_max=high, n_mels=mels, power=2.0,
        )  # fmt: skip
    if not (found.mel_scale.fb.sum(0) > 0).all():
        raise ConfigError(
            f"preprocess.pcg.mels: {mels} filters from {low:g} to {high:g} Hz are narrower than "
            f"the {fs / size:.2g} Hz between two bins of the spectrum; take fewer, or longer frames"
        )
    return found
