"""Pictures of ECGs and heart sounds as files, small and quick to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

from tests.chain import write_table


def write_picture(
    folder: Path, name: str, *, seed: int = 0, sick: bool = False, size: tuple[int, int] = (60, 40)
) -> str:
    """Write a page with one trace, thicker where sick, and return its name."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", size, (255, 250, 245))
    heights = size[1] / 2 + rng.normal(0, size[1] / 8, size[0])
    draw = ImageDraw.Draw(page)
    draw.line(list(enumerate(heights.tolist())), fill=(0, 0, 0), width=4 if sick else 1)
    page.save(folder / name)
    return name


def beat_sounds(
    seed: int, *, seconds: float = 2.5, fs: int = 2000, sick: bool = False
) -> np.ndarray:
    """Return `[T]` in shares of full scale: S1 and S2 at 60 Hz, a murmur at 150 Hz where sick."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    phase = (time + rng.uniform(0, 0.5)) % 0.8
    tone = np.sin(2 * np.pi * 60 * time)
    wave = tone * (np.exp(-((phase / 0.03) ** 2)) + 0.7 * np.exp(-(((phase - 0.3) / 0.025) ** 2)))
    if sick:
        wave = wave + 0.4 * np.sin(2 * np.pi * 150 * time) * ((phase > 0.06) & (phase < 0.26))
    return 0.5 * wave / np.abs(wave).max() + rng.normal(0, 0.005, time.size)


def write_sound(
    folder: Path, name: str, values: np.ndarray | None = None, *, fs: int = 2000, seed: int = 0,
    sick: bool = False, subtype: str = "PCM_16",
) -> str:  # fmt: skip
    """Write a recording and return its name."""
    own = beat_sounds(seed, fs=fs, sick=sick) if values is None else values
    soundfile.write(folder / name, own, fs, subtype=subtype)
    return name


def media_rows(
    folder: Path, *, patients: int, every: int = 3, without: Sequence[int] = ()
) -> list[dict[str, object]]:
    """Write a page and two sounds per patient and return the manifest's rows.

    Args:
        folder: of the manifest.
        patients: one row each.
        every: one in so many is sick.
        without: patients who lack the picture, the sounds and both in turn; each knows the age.
    """
    rows: list[dict[str, object]] = []
    for i in range(patients):
        sick = i % every == 0
        page = write_picture(folder, f"e{i}.png", seed=i, sick=sick)
        one = write_sound(folder, f"a{i}.wav", seed=i, sick=sick)
        two = write_sound(folder, f"m{i}.wav", seed=1000 + i, sick=sick)
        own = {"patient_id": f"p{i:03d}", "age": 50 + (7 * i) % 30, "label": int(sick)}
        rows.append({**own, "ecg_image": page, "pcg_audio": f"AV={one};MV={two}"})
    for place, i in enumerate(without):
        gone = (("ecg_image",), ("pcg_audio",), ("ecg_image", "pcg_audio"))[place % 3]
        rows[i] |= dict.fromkeys(gone)
    return rows


def write_media_cohort(folder: Path, *, patients: int = 24, without: Sequence[int] = ()) -> Path:
    """Write a manifest of pictures, sounds and ages; return its path."""
    rows = media_rows(folder, patients=patients, without=without)
    return write_table(folder / "manifest.csv", rows)


MEDIA_OPTIONS = {"tabular": {"age": "numeric"}}
# Small enough for a test: one window of 2.5 s, a page of 24 by 36 pixels.
MEDIA_SETTINGS: dict[str, dict[str, float]] = {
    "ecg_image": {"height": 24, "width": 36},
    "pcg": {"windows": 3, "window_s": 2.5, "mels": 8, "hop_s": 0.1},
}
