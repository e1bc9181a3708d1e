"""Small sound files made in memory."""

from __future__ import annotations

import io

import numpy as np
import soundfile

FS = 4000
# Where a plain WAV file of soundfile's states rate and bytes of samples.
RATE_AT, CHANNELS_AT, LENGTH_AT = 24, 22, 40


def tone(seconds: float = 0.5, fs: int = FS) -> np.ndarray:
    """Return half of full scale at 60 Hz."""
    return 0.5 * np.sin(2 * np.pi * 60 * np.arange(round(seconds * fs)) / fs)


def encoded(
    values: np.ndarray, fs: int = FS, form: str = "WAV", coding: str | None = None
) -> bytes:
    """Return samples as a file of a format."""
    stream = io.BytesIO()
    soundfile.write(stream, values, fs, format=form, subtype=coding)
    return stream.getvalue()


def changed(content: bytes, at: int, new: bytes) -> bytes:
    """Return a file with some bytes replaced."""
    return content[:at] + new + content[at + len(new) :]
