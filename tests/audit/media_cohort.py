"""Prepared cohorts of pages and heart sounds, small ones, and copies to plant in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from components.audit.finding import Audited
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.arrays import ArrayShard, shard_folder, write_array
from components.core.media.config import ImageConfig, SoundConfig
from components.core.media.image import image_array
from components.core.media.sound import LogMel, log_mel
from components.core.modalities import ArrayModality
from components.core.readers.audio import Sound
from components.core.readers.image import Picture
from components.core.schemas import HASH_PREFIX, ROW_PREFIX, SHARD_PREFIX
from components.core.store import Stage
from tests.chain import LABEL

PAGE = ImageConfig()
SOUND = SoundConfig(windows=2)
FS = 2000


def page(seed: int) -> Image.Image:
    """Return a page of eight leads in one layout; rhythm and shape are the person's own."""
    rng = np.random.default_rng(seed)
    made = Image.new("RGB", (864, 576), "white")
    pen = ImageDraw.Draw(made)
    for x in range(0, 864, 24):
        pen.line([(x, 0), (x, 576)], fill=(250, 190, 190))
    for lead in range(8):
        at = np.arange(400)
        phase = (at - rng.uniform(0, 90)) % rng.uniform(70, 130)
        height = rng.uniform(20, 60) * np.exp(-(((phase - 20) / 3) ** 2))
        wave = height + rng.uniform(3, 15) * np.exp(-(((phase - 50) / 9) ** 2))
        left, base = 20 + 420 * (lead % 2), 110 + 130 * (lead // 2)
        pen.line(
            [(float(left + x), float(base - y)) for x, y in zip(at, wave, strict=True)], "black", 3
        )
        pen.text((left, base - 80), f"lead {lead}", fill="black")
    return made


def picture(made: Image.Image) -> np.ndarray:
    """Return the prepared array."""
    return image_array(Picture(pixels=np.asarray(made.convert("RGB"))), PAGE)


def heart(seed: int, seconds: float = 12) -> np.ndarray:
    """Return two sounds a beat at a person's own rate and pitch, beats a little irregular."""
    rng = np.random.default_rng(seed)
    values = 0.02 * rng.normal(size=round(seconds * FS))
    period, gap = rng.uniform(0.7, 1.1), rng.uniform(0.26, 0.36)
    start = rng.uniform(0, 0.5)
    while start < seconds - 1:
        for late, pitch in ((0.0, rng.uniform(40, 90)), (gap, rng.uniform(70, 140))):
            time = np.arange(300) / FS
            burst = np.exp(-time / rng.uniform(0.02, 0.05)) * np.sin(2 * np.pi * pitch * time)
            at = round((start + late) * FS)
            values[at : at + 300] += rng.uniform(0.5, 1) * burst
        start += period * rng.uniform(0.9, 1.1)
    return values


def spectrum(values: np.ndarray) -> LogMel:
    """Return the prepared array."""
    return log_mel([Sound(values=values.astype(np.float32), fs=FS, lsb=1.0)], SOUND)


def audited(
    folder: Path,
    frame: pd.DataFrame,
    arrays: dict[ArrayModality, list[Any]],
    **settings: Any,
) -> Audited:
    """Return a cohort whose rows have these arrays; None is absent.

    Args:
        folder: receives the shards.
        frame: patients, rows, labels and parts.
        arrays: pictures, or `LogMel` of sounds, one a row.
        settings: of the audit.
    """
    for name, items in arrays.items():
        there = np.array([item is not None for item in items])
        held = [item for item in items if item is not None]
        shard_folder(folder, name).mkdir(parents=True)
        _write(folder, name, held)
        place = np.cumsum(there) - 1
        frame[f"{SHARD_PREFIX}{name}"] = pd.Series(0, frame.index, dtype="Int32").where(there)
        frame[f"{ROW_PREFIX}{name}"] = pd.Series(place, frame.index, dtype="Int32").where(there)
        if f"{HASH_PREFIX}{name}" not in frame:
            frame[f"{HASH_PREFIX}{name}"] = [
                f"{name}{i}" if has else None for i, has in enumerate(there)
            ]
    stage = Stage(
        folder=folder, component="preprocess", fingerprint="f", config={}, inputs={}, facts={}
    )
    return Audited(
        stage=stage, manifest=frame, label=LabelConfig.model_validate(LABEL),
        config=AuditConfig(**settings), test_looks=0,
    )  # fmt: skip


def _write(folder: Path, name: ArrayModality, held: list[Any]) -> None:
    sounds = name == "pcg"
    values = np.stack([item.values if sounds else item for item in held])  # noqa: PD011
    valid = np.stack([item.valid for item in held]) if sounds else None
    channels = values.shape[2] if sounds else values.shape[1]
    write_array(
        shard_folder(folder, name) / "00000.h5",
        ArrayShard(
            values=values, valid=valid, moments=np.zeros((len(held), channels, 3)),
            axis=1 if sounds else 0, facts={},
        ),
    )  # fmt: skip


def patients(number: int) -> pd.DataFrame:
    """Return one row a patient: train and test in turn, labels by pairs of them."""
    count = np.arange(number)
    return pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in count],
            "patient_id": [f"p{i}" for i in count],
            "row": count + 2,
            "label": pd.array(count // 2 % 2, dtype="Int8"),
            "part.holdout": np.array(["train", "test"])[count % 2],
        }
    )
