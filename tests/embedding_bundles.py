"""A small bundle of embeddings with drawn weights, and rows to ask it about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from components.core.attribution.reference import Reference
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.data import foldstats
from components.core.data.arrays import ArrayStats
from components.core.data.embedding_input import EmbeddingInput
from components.core.data.tabular import TabularEncoder
from components.core.embedding_files.layout import Files
from components.core.heads.registry import from_json, outputs_of
from components.core.imputation.calibrate import Calibration
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.registry import build_model, models_by_name
from components.core.models.spec import DataSpec
from tests import embedding_standin
from tests.bundles import PLATT

WIDTHS: dict[EmbeddingModality, int] = dict(zip(EMBEDDED, (6, 5, 9, 4, 7), strict=True))
# Of the slides' embedding the network weighs the patches itself.
PATCHES = 3
HEADS: dict[str, Any] = {
    "toy": {"kind": "binary"},
    "again": {"kind": "binary", "endpoint": "again", "horizon_days": 730},
    "again_time": {"kind": "survival", "endpoint": "again", "horizons_days": [365, 730]},
}


def write_embedding_bundle(
    scratch: Path,
    *,
    members: int = 2,
    model: dict[str, Any] | None = None,
    modalities: tuple[EmbeddingModality, ...] = EMBEDDED,
    min_quality: float = 0.0,
    heads: dict[str, Any] | None = None,
    imputation: Calibration | None = None,
    files: Files | None = None,
) -> Path:
    """Write a bundle of `members` networks into `scratch` and return its folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    own = heads or {"toy": {"kind": "binary"}}
    given = {name: _given(name, min_quality) for name in modalities}
    stats = _stats(given)
    spec = DataSpec(
        arrays={name: stats.arrays[name].shape for name in modalities},
        heads=outputs_of(from_json(own)),
    )
    settings = model or {"name": embedding_standin.NAME}
    names = tuple(f"member{i}" for i in range(members))
    platt = json.loads(PLATT.to_json())
    facts = BundleFacts(
        task="toy", label="toy event", head="toy", model=settings, ecg=None, embeddings=given,
        embedding_files=files,
        features={}, members=names, calibration=platt, threshold=0.1, version="v" * 32,
        cohort={"records": 20.0}, heads=own if len(own) > 1 else {},
        calibrations=calibrations(own, platt),
    )  # fmt: skip
    folder = scratch / "bundle"
    files = [_member(scratch, name, seed, spec, stats, settings)
             for seed, name in enumerate(names)]  # fmt: skip
    write_bundle(folder, facts, [replace(each, imputation=imputation) for each in files])
    return folder


def calibrations(heads: dict[str, Any], platt: dict[str, Any]) -> dict[str, Any]:
    """Return the same recalibration for every binary head, none for the others."""
    return {name: platt if each["kind"] == "binary" else {} for name, each in heads.items()}


def _given(name: EmbeddingModality, min_quality: float) -> EmbeddingInput:
    several = name == "emb_spatial"
    return EmbeddingInput(
        width=WIDTHS[name],
        pool="attention" if several else "mean",
        patches=PATCHES if several else 0,
        min_quality=min_quality,
    )


def _stats(given: dict[EmbeddingModality, EmbeddingInput]) -> foldstats.FoldStats:
    arrays: dict[EmbeddingModality, ArrayStats] = {}
    for name, each in given.items():
        shape = (each.patches, each.width) if each.patches else (each.width,)
        mean = tuple(np.linspace(-1, 1, each.width).tolist())
        sd = tuple(np.linspace(0.5, 2, each.width).tolist())
        arrays[name] = ArrayStats(axis=len(shape) - 1, shape=shape, mean=mean, sd=sd)
    return foldstats.FoldStats(
        fold="f0", records=20, ids_sha256="0" * 64, ecg=None,
        tabular=TabularEncoder(numeric=(), categorical=()), arrays=arrays,
    )  # fmt: skip


def _member(
    scratch: Path,
    name: str,
    seed: int,
    spec: DataSpec,
    stats: foldstats.FoldStats,
    settings: dict[str, Any],
) -> MemberFiles:
    weights, stats_file = scratch / f"{name}.safetensors", scratch / f"{name}.json"
    torch.manual_seed(seed)
    state = build_model(settings, spec).state_dict()
    # Drawn, too, where a network begins at zeros: they prove little.
    state = {k: v if bool(v.any()) else 0.3 * torch.randn_like(v) for k, v in state.items()}
    save_file({k: v.contiguous() for k, v in state.items()}, str(weights))
    foldstats.save(stats, stats_file)
    return MemberFiles(
        weights=weights, stats=stats_file, spec=spec, reference=Reference(tabular=())
    )


def vectors(seed: int = 0, *, patches: int = 5) -> dict[EmbeddingModality, list[Any]]:
    """Return one patient's embeddings as a request sends them."""
    rng = np.random.default_rng(seed)
    found: dict[EmbeddingModality, list[Any]] = {}
    for name, width in WIDTHS.items():
        shape = (patches, width) if name == "emb_spatial" else (width,)
        found[name] = rng.normal(0, 1, shape).astype(np.float32).tolist()
    return found


def know_standin() -> None:
    """Enter the stand-in among the models that are known."""
    models_by_name()[embedding_standin.NAME] = embedding_standin  # pyright: ignore[reportArgumentType]
