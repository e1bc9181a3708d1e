"""Heart sounds → log-mel windows of one shape.

Each recording is brought to one rate and to a root mean square of 1, since microphones are not
calibrated; then it is cut into windows, and of each window the power in mel bands is taken in dB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from components.core.errors import RecordError
from components.core.media.config import SoundConfig
from components.core.readers.audio import Sound

# 120 dB below the recording's mean power: silence has a level, not minus infinity.
_FLOOR = 1e-12


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
    order = [
        (site, number)
        for number in range(max((len(each) for each in cut), default=0))
        for site, each in enumerate(cut)
        if number < len(each)
    ][: config.windows]
    values = np.zeros(config.shape, np.float16)
    site = np.full(config.windows, -1, np.int64)
    if order:
        stacked = np.stack([cut[where][number] for where, number in order])
        values[: len(order)] = _decibels(stacked, config)
        site[: len(order)] = [where for where, _ in order]
    return LogMel(values=values, valid=site >= 0, site=site)


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
    values = sound.scaled()
    values = values - values.mean(dtype=np.float64).astype(np.float32)
    even = _resampled(values, round(sound.fs), config.fs)
    size = math.sqrt(float(np.mean(even.astype(np.float64) ** 2)))
    if not size > 0:
        raise RecordError("silent", "the recording is silent", field="pcg_audio")
    return (even / size).astype(np.float32)


def _torchaudio() -> Any:  # noqa: ANN401 - a module without type hints
    from components.core.compat import import_torchaudio

    return import_torchaudio()


def _resampled(values: npt.NDArray[np.float32], fs: int, to: int) -> npt.NDArray[np.float32]:
    return _torchaudio().functional.resample(torch.from_numpy(values), fs, to).numpy()


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
    return _torchaudio().transforms.MelSpectrogram(
        sample_rate=fs, n_fft=size, win_length=frame, hop_length=hop,
        f_min=low, f_max=high, n_mels=mels, power=2.0,
    )  # fmt: skip
