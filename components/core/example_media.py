"""A drawn page and a drawn heart sound for a model's input example: nobody's data."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable

import numpy as np
from PIL import Image

from components.core.modalities import ArrayModality

_WIDTH, _HEIGHT = 288, 192
_SQUARE = 12  # pixels; as on paper a second is five squares
_PAPER, _GRID, _TRACE = 255, 215, 0
_FS = 2000  # Hz
_SECONDS = 5
_BEAT_S = 0.8  # 75 beats a minute
# Onset, width in s, pitch in Hz and loudness of the first and the second heart sound.
_SOUNDS = ((0.10, 0.025, 60.0, 0.6), (0.42, 0.018, 90.0, 0.4))


def example_picture() -> str:
    """Return a page with one lead's trace as base64 of a PNG."""
    page = np.full((_HEIGHT, _WIDTH), _PAPER, np.uint8)
    page[::_SQUARE] = page[:, ::_SQUARE] = _GRID
    time = np.arange(_WIDTH) / (5 * _SQUARE)
    phase = time % _BEAT_S - 0.3
    beat = np.exp(-((phase / 0.02) ** 2)) + 0.25 * np.exp(-(((phase - 0.25) / 0.06) ** 2))
    level = np.rint(_HEIGHT * (0.65 - 0.4 * beat)).astype(np.int64)
    for column in range(1, _WIDTH):
        low, high = sorted((level[column - 1], level[column]))
        page[low : high + 1, column] = _TRACE
    packed = io.BytesIO()
    Image.fromarray(page).save(packed, format="PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode()


def example_sound() -> str:
    """Return a regular heart's two sounds over some seconds as base64 of a 16-bit mono WAV."""
    time = np.arange(_SECONDS * _FS) / _FS
    phase = time % _BEAT_S
    values = np.zeros(len(time))
    for onset, width, pitch, loudness in _SOUNDS:
        envelope = loudness * np.exp(-(((phase - onset) / width) ** 2))
        values += envelope * np.sin(2 * np.pi * pitch * (phase - onset))
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_FS)
        file.writeframes(np.rint(values * 32767).astype("<i2").tobytes())
    return base64.b64encode(packed.getvalue()).decode()


EXAMPLES: dict[ArrayModality, Callable[[], str]] = {
    "ecg_image": example_picture,
    "pcg": example_sound,
}
