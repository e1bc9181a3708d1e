"""Pictures and sounds under inspection: what they are, by their readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.core.modalities import SPOKEN, MediaModality
from components.core.readers.audio import read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import RawFile

# By which a folder's files are taken for one; a table's column says it otherwise.
_EXTENSIONS: dict[str, MediaModality] = {
    ".png": "ecg_image", ".jpg": "ecg_image", ".jpeg": "ecg_image", ".bmp": "ecg_image",
    ".wav": "pcg", ".flac": "pcg",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one picture or sound is.

    Attributes:
        pixels: width and height of a picture; empty of a sound.
        fs: rate of a sound in Hz; 0 of a picture.
        seconds: how long a sound lasts; 0 of a picture.
    """

    pixels: str = ""
    fs: float = 0.0
    seconds: float = 0.0


def modality_of(path: Path) -> MediaModality | None:
    """Return what a folder's file is by its extension; None for an ECG or anything else."""
    return _EXTENSIONS.get(path.suffix.lower())


def spoken(modality: MediaModality) -> str:
    """Return a modality's name without its article."""
    return SPOKEN[modality].removeprefix("the ")


def look_at(raw: RawFile, modality: MediaModality) -> Seen:
    """Return what a file is.

    Raises:
        RecordError: its reader refuses it.
    """
    if modality == "ecg_image":
        height, width = read_image(raw).pixels.shape[:2]
        return Seen(pixels=f"{width} × {height}")
    sound = read_audio(raw)
    return Seen(fs=sound.fs, seconds=len(sound.values) / sound.fs)
