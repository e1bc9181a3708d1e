"""A small model bundle with drawn weights, and recordings to ask it about."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from components.core.attribution.reference import Reference
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.data import foldstats
from components.core.data.tabular import fit_tabular
from components.core.metrics.platt import PlattScaler
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.registry import example_ecg
from components.core.signals.normalise import NormStats
from components.core.signals.prepare_config import PrepareConfig
from tests.cohorts import LEADS

MODEL = {"name": "ecg+tabular", "width": 4, "depth": 2}
ECG = PrepareConfig(fs=250.0, length=1024)
PLATT = PlattScaler(slope=1.7, intercept=-0.4)
# Of age, whether it is missing, and the two sexes, in the toys whose fields these are.
REFERENCE = Reference(tabular=(0.1, 0.25, 0.5, 0.5))


def write_toy_bundle(scratch: Path, *, ecg: bool = True, members: int = 2) -> Path:
    """Write a bundle of `members` networks into `scratch` and return its folder."""
    encoder = fit_tabular(
        pd.DataFrame(
            {
                "age": [50.0, 60.0, 70.0, np.nan] * 5,
                "sex": pd.Series(["F", "M"] * 10, dtype="string"),
            }
        )
    )
    norm = NormStats(leads=LEADS, mean=(0.0,) * 8, sd=(0.3,) * 8, count=(999,) * 8)
    stats = foldstats.FoldStats(
        fold="f0",
        records=20,
        ids_sha256="0" * 64,
        ecg=json.loads(norm.to_json()) if ecg else None,
        tabular=encoder,
    )
    spec = DataSpec(
        leads=8 if ecg else 0, length=ECG.length if ecg else 0,
        tabular=len(encoder.features), heads={"toy": 2},
    )  # fmt: skip
    model = MODEL if ecg else {"name": "tabular"}
    names = tuple(f"member{i}" for i in range(members))
    facts = BundleFacts(
        task="toy",
        label="toy event",
        head="toy",
        model=model,
        ecg=ECG if ecg else None,
        features={"age": "numeric", "sex": "categorical"},
        members=names,
        calibration=json.loads(PLATT.to_json()),
        threshold=0.1,
        version="v" * 32,
        cohort={"records": 20.0},
    )
    files = []
    for seed, name in enumerate(names):
        weights, stats_file = scratch / f"{name}.safetensors", scratch / f"{name}.json"
        torch.manual_seed(seed)
        state = build_model(model, spec).state_dict()
        save_file({k: v.contiguous() for k, v in state.items()}, str(weights))
        foldstats.save(stats, stats_file)
        files.append(MemberFiles(weights=weights, stats=stats_file, spec=spec, reference=REFERENCE))
    write_bundle(scratch / "bundle", facts, files)
    return scratch / "bundle"


def zipped_ecg() -> str:
    """Return base64 of a zipped WFDB record of 10 s."""
    return example_ecg(LEADS)


def ecg_on_disk(folder: Path) -> Path:
    """Write the same record into `folder` and return its header."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(zipped_ecg()))) as archive:
        archive.extractall(folder)
    return folder / "example.hea"


def csv_ecg(seconds: int = 10) -> str:
    """Return base64 of a CSV of the eight leads in millivolts at 250 Hz."""
    rng = np.random.default_rng(3)
    rows = np.round(rng.normal(0, 0.3, (250 * seconds, len(LEADS))), 3)
    text = ",".join(LEADS) + "\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist())
    return base64.b64encode(text.encode()).decode()
