"""A small bundle of pictures, sounds and fields with drawn weights, and files to ask it about."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch
from PIL import Image
from safetensors.torch import save_file

from components.core.attribution.reference import Reference
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.data import foldstats
from components.core.data.arrays import ArrayStats
from components.core.data.tabular import fit_tabular
from components.core.media.config import ImageConfig, SoundConfig
from components.core.modalities import MEDIA, ArrayModality
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from tests.bundles import PLATT, REFERENCE

IMAGE = ImageConfig(height=32, width=48)
SOUND = SoundConfig(windows=3, mels=8, window_s=2, hop_s=0.05)
FIELDS = {"age": "numeric", "sex": "categorical"}
MODEL: dict[str, Any] = {
    "name": "multimodal", "image_width": 4, "image_depth": 2, "sound_width": 4, "sound_depth": 2,
    "hidden": 8, "head_hidden": 8,
}  # fmt: skip


def write_media_bundle(
    scratch: Path,
    *,
    members: int = 2,
    arrays: tuple[ArrayModality, ...] = MEDIA,
    fields: bool = True,
) -> Path:
    """Write a bundle of `members` networks into `scratch` and return its folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    stats = _stats(arrays, fields=fields)
    shapes = {"ecg_image": IMAGE.shape, "pcg": SOUND.shape}
    spec = DataSpec(
        tabular=len(stats.tabular.features),
        arrays={name: shapes[name] for name in arrays},
        heads={"toy": 2},
    )
    names = tuple(f"member{i}" for i in range(members))
    facts = BundleFacts(
        task="toy", label="toy event", head="toy", model=MODEL, ecg=None,
        image=IMAGE if "ecg_image" in arrays else None, sound=SOUND if "pcg" in arrays else None,
        features=FIELDS if fields else {}, members=names, calibration=json.loads(PLATT.to_json()),
        threshold=0.1, version="v" * 32, cohort={"records": 20.0},
    )  # fmt: skip
    files = [_member(scratch, name, seed, spec, stats) for seed, name in enumerate(names)]
    write_bundle(scratch / "bundle", facts, files)
    return scratch / "bundle"


def _stats(arrays: tuple[ArrayModality, ...], *, fields: bool) -> foldstats.FoldStats:
    sexes = pd.Series(["F", "M"] * 10, dtype="string")
    frame = pd.DataFrame({"age": [50.0, 60.0, 70.0, np.nan] * 5, "sex": sexes})
    own: dict[ArrayModality, ArrayStats] = {
        "ecg_image": ArrayStats(axis=0, shape=IMAGE.shape, mean=(230.0,), sd=(40.0,)),
        "pcg": ArrayStats(axis=1, shape=SOUND.shape, mean=(-5.0,) * 8, sd=(20.0,) * 8),
    }
    return foldstats.FoldStats(
        fold="f0", records=20, ids_sha256="0" * 64, ecg=None,
        tabular=fit_tabular(frame if fields else pd.DataFrame(index=frame.index)),
        arrays={name: own[name] for name in arrays},
    )  # fmt: skip


def _member(
    scratch: Path, name: str, seed: int, spec: DataSpec, stats: foldstats.FoldStats
) -> MemberFiles:
    weights, stats_file = scratch / f"{name}.safetensors", scratch / f"{name}.json"
    torch.manual_seed(seed)
    state = build_model(MODEL, spec).state_dict()
    for key in [k for k in state if k.endswith(".absent")]:  # drawn, too: zeros prove little
        state[key] = torch.randn_like(state[key])
    save_file({k: v.contiguous() for k, v in state.items()}, str(weights))
    foldstats.save(stats, stats_file)
    reference = REFERENCE if spec.tabular else Reference(tabular=())
    return MemberFiles(weights=weights, stats=stats_file, spec=spec, reference=reference)


def picture(seed: int = 0, *, form: str = "PNG") -> bytes:
    """Return a drawn page as the bytes of a file."""
    rng = np.random.default_rng(seed)
    page = np.full((60, 100, 3), 255, np.uint8)
    for _ in range(20):
        row, column = rng.integers(0, (50, 80))
        page[row : row + 3, column : column + 20] = rng.integers(0, 120)
    packed = io.BytesIO()
    Image.fromarray(page).save(packed, format=form)
    return packed.getvalue()


def sound(
    seed: int = 0, *, seconds: float = 4.0, fs: int = 2000, channels: int = 1, form: str = "WAV"
) -> bytes:
    """Return beats with noise as the bytes of a 16-bit sound file."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    beat = np.exp(-(((time % 0.8 - 0.1) / 0.03) ** 2)) * np.sin(2 * np.pi * 70 * time)
    values = 0.5 * beat + rng.normal(0, 0.02, len(time))
    packed = io.BytesIO()
    soundfile.write(packed, np.tile(values[:, None], channels), fs, format=form, subtype="PCM_16")
    return packed.getvalue()


def sent(content: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(content).decode()


def on_disk(folder: Path, name: str, content: bytes) -> Path:
    """Write a file and return its path."""
    (folder / name).write_bytes(content)
    return folder / name
