"""Sound files: WAV and FLAC of any rate, depth and number of channels, by soundfile."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, shorten
from components.core.readers.rawfile import RawFile

FORMATS = ("WAV", "FLAC", "WAVEX", "RF64")
# Ten minutes of stereo at 96 kHz; an auscultation takes one.
MAX_VALUES = 120_000_000
# Below, no heart sound's band fits; above, no microphone is.
LOWEST_FS, HIGHEST_FS = 500, 400_000
_INT16 = "PCM_16"


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
        RecordError: `not_a_sound`, `sound_too_long`, `bad_rate`, `empty_sound`, `non_finite`.
    """
    import soundfile  # loads a shared library

    try:
        with soundfile.SoundFile(io.BytesIO(raw.data())) as file:
            _check(file)
            plain = file.subtype == _INT16 and file.channels == 1
            values: npt.NDArray[Any] = file.read(
                dtype="int16" if plain else "float32", always_2d=True
            )
            fs = float(file.samplerate)
    except RecordError:
        raise
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError) as error:
        raise RecordError(
            "not_a_sound",
            f"the file is no WAV or FLAC sound that can be read ({shorten(error)})",
            field="pcg_audio",
            advice="export it as WAV",
        ) from error
    if not len(values):
        raise RecordError("empty_sound", "the file holds no sample", field="pcg_audio")
    if plain:
        return Sound(values=values[:, 0], fs=fs, lsb=1 / 32768)
    if not np.isfinite(values).all():
        raise RecordError("non_finite", "the sound has samples that are no number",
                          field="pcg_audio", advice="export it again")  # fmt: skip
    return Sound(values=values.mean(axis=1, dtype=np.float32), fs=fs, lsb=1.0)


def _check(file: object) -> None:
    form, fs = str(getattr(file, "format", "")), int(getattr(file, "samplerate", 0))
    if form not in FORMATS:
        raise RecordError(
            "not_a_sound",
            f"the file is {form}, not WAV or FLAC",
            field="pcg_audio",
            value=form,
            advice="export it as WAV",
        )
    if not LOWEST_FS <= fs <= HIGHEST_FS:
        raise RecordError(
            "bad_rate",
            f"the rate is {fs} Hz; from {LOWEST_FS} to {HIGHEST_FS:,} Hz are read",
            field="fs",
            value=str(fs),
        )
    size = int(getattr(file, "frames", 0)) * int(getattr(file, "channels", 0))
    if size > MAX_VALUES:
        raise RecordError(
            "sound_too_long",
            f"the sound has {size:,} values, more than {MAX_VALUES:,}",
            field="pcg_audio",
            value=str(size),
            advice="cut it to a minute",
        )
