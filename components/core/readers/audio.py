"""Sound files: WAV and FLAC of any rate, depth and number of channels, by soundfile."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, shorten
from components.core.readers.rawfile import RawFile
from components.core.readers.riff import check_whole, unknown_length

FORMATS = ("WAV", "FLAC", "WAVEX", "RF64")
# Codings of one number a sample; those that pack several pad the end, so that it cannot be told.
CODINGS = (
    "PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW",
)  # fmt: skip
# A stethoscope has one or two; FLAC and surround sound have eight.
MAX_CHANNELS = 8
# Ten minutes of stereo at 96 kHz; an auscultation takes one.
MAX_VALUES = 120_000_000
# Below, no heart sound's band fits; above, no microphone is.
LOWEST_FS, HIGHEST_FS = 500, 400_000
_INT16 = "PCM_16"
# What libsndfile gives as the length of a stream.
_ENDLESS = 1 << 62


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """One recording, several channels averaged.

    Attributes:
        values: `[T]` int16 counts where the file has 16-bit mono, else float32.
        fs: rate in Hz.
        lsb: of full scale per count; 1 for float32.
    """

    values: npt.NDArray[np.int16] | npt.NDArray[np.float32]
    fs: float
    lsb: float

    def scaled(self) -> npt.NDArray[np.float32]:
        """Return `[T]` float32 in shares of full scale."""
        return (self.values * np.float32(self.lsb)).astype(np.float32)


def read_audio(raw: RawFile) -> Sound:
    """Return the recording in a file, its format recognised by content.

    Raises:
        RecordError: `empty_file`, `not_a_sound`, `truncated_sound`, `unknown_length`,
            `sound_too_long`, `too_many_channels`, `bad_rate`, `empty_sound`, `non_finite`.
    """
    data = raw.data()
    if not data:
        raise RecordError("empty_file", "the file is empty", field="pcg_audio")
    check_whole(data)
    values, fs = _decoded(data)
    if not len(values):
        raise RecordError("empty_sound", "the file holds no sample", field="pcg_audio")
    if values.dtype == np.int16:
        return Sound(values=values[:, 0], fs=fs, lsb=1 / 32768)
    if not np.isfinite(values).all():
        raise RecordError("non_finite", "the sound has samples that are no number",
                          field="pcg_audio", advice="export it again")  # fmt: skip
    return Sound(values=values.mean(axis=1, dtype=np.float64).astype(np.float32), fs=fs, lsb=1.0)


def _decoded(data: bytes) -> tuple[npt.NDArray[Any], float]:
    """Return `[T, channels]`, int16 of 16-bit mono and else float32, and the rate in Hz."""
    import soundfile  # loads a shared library

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check(file)
            plain = file.subtype == _INT16 and file.channels == 1
            values = file.read(dtype="int16" if plain else "float32", always_2d=True)
            return values, float(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError) as error:
        why = shorten(getattr(error, "error_string", error))
        raise RecordError(
            "not_a_sound",
            f"the file is no WAV or FLAC sound that can be read ({why.rstrip('.')})",
            field="pcg_audio",
            advice="export it as WAV",
        ) from error


def _check(file: Any) -> None:  # noqa: ANN401 - soundfile has no type hints
    form, coding, fs = str(file.format), str(file.subtype), int(file.samplerate)
    if form not in FORMATS or coding not in CODINGS:
        found = form if form not in FORMATS else f"{form} of coding {coding}"
        raise RecordError(
            "not_a_sound",
            f"the file is {found}, not plain WAV or FLAC",
            field="pcg_audio",
            value=found,
            advice="export it as WAV of 16 bits",
        )
    if not LOWEST_FS <= fs <= HIGHEST_FS:
        raise RecordError(
            "bad_rate",
            f"the rate is {fs} Hz; from {LOWEST_FS} to {HIGHEST_FS:,} Hz are read",
            field="fs",
            value=str(fs),
            advice="correct the rate in the file",
        )
    _check_size(int(file.frames), int(file.channels))


def _check_size(frames: int, channels: int) -> None:
    if channels > MAX_CHANNELS:
        raise RecordError(
            "too_many_channels",
            f"the sound has {channels} channels; at most {MAX_CHANNELS} are averaged",
            field="pcg_audio",
            value=str(channels),
            advice="export the stethoscope's channel alone",
        )
    if frames >= _ENDLESS:
        raise unknown_length()
    if frames * channels > MAX_VALUES:
        raise RecordError(
            "sound_too_long",
            f"the sound has {frames * channels:,} values, more than {MAX_VALUES:,}",
            field="pcg_audio",
            value=str(frames * channels),
            advice="cut it to a minute",
        )
