"""A small bundle of event sequences with drawn weights, and a row to ask it about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from safetensors.torch import save_file

from components.core.attribution.reference import Reference
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.bundle_files import EventFacts
from components.core.config.events import EventsConfig
from components.core.data import foldstats
from components.core.data.event_shards import FlatEvents
from components.core.data.event_stats import EventStats, fit_events
from components.core.data.stored_events import EVENT_KINDS
from components.core.data.tabular import fit_tabular
from components.core.event_tables.options import Options
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from tests.bundles import PLATT, REFERENCE
from tests.event_cohort import COMMON, RISK

MODEL: dict[str, Any] = {
    "name": "event_transformer", "d_model": 8, "layers": 1, "heads": 2, "feedforward": 8,
    "pool_heads": 2, "hidden": [8, 4],
}  # fmt: skip
TEXTS = (*(text for _, text in COMMON), RISK, "Lactate 4.1 mmol/L", "Heparin drip")
FIELDS: dict[str, Any] = {"age": 61.0, "care_unit": "MICU"}


def stats_of(seed: int = 0, time: Literal["scalar", "encoding"] = "scalar") -> EventStats:
    """Return what a small training part's events teach; another seed draws other ones."""
    rng = np.random.default_rng(seed)
    flat = FlatEvents(
        seconds=rng.integers(60, 200_000, 60).astype(np.int32),
        known_seconds=np.zeros(60, np.int32),
        kind=rng.integers(0, len(EVENT_KINDS), 60).astype(np.int8),
        text=rng.integers(0, len(TEXTS), 60).astype(np.int32),
        offsets=np.arange(0, 61, 6, dtype=np.int64),
    )
    config = EventsConfig.model_validate({"text": {"width": 4, "min_documents": 2}, "time": time})
    patients = np.array([f"p{i}" for i in range(10)], object)
    return fit_events(flat, patients, pa.array(TEXTS), config, None)


def write_event_bundle(
    scratch: Path,
    *,
    members: int = 2,
    comfort_care: Literal["drop", "keep"] = "drop",
    longest: int = 40,
    absence_taught: bool = True,
    fields_taught: bool = True,
    stats: EventStats | None = None,
    tables: Options | None = None,
    tabular: bool = True,
) -> Path:
    """Write a bundle of `members` networks, each of its own fold, and return its folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    names = tuple(f"member{i}" for i in range(members))
    files = [
        _member(scratch, name, seed, stats or stats_of(seed), tabular=tabular)
        for seed, name in enumerate(names)
    ]
    first = stats or stats_of()
    given = EventFacts(
        comfort_care=comfort_care, time=first.time.kind, width=first.width, longest=longest,
        absence_taught=absence_taught, fields_taught=fields_taught,
    )  # fmt: skip
    facts = BundleFacts(
        task="toy", label="death in hospital", head="mortality", model=MODEL, ecg=None,
        events=given, event_tables=tables, members=names, calibration=json.loads(PLATT.to_json()),
        features={"age": "numeric", "care_unit": "categorical"} if tabular else {},
        threshold=0.1, version="v" * 32, cohort={"records": 20.0},
    )  # fmt: skip
    write_bundle(scratch / "bundle", facts, files)
    return scratch / "bundle"


def _member(
    scratch: Path, name: str, seed: int, events: EventStats, *, tabular: bool
) -> MemberFiles:
    rows = {"age": [50.0, 60.0, 70.0, np.nan] * 5,
            "care_unit": pd.Series(["MICU", "CVICU"] * 10, dtype="string")}  # fmt: skip
    stats = foldstats.FoldStats(
        fold=f"f{seed}", records=20, ids_sha256="0" * 64, ecg=None, events=events,
        tabular=fit_tabular(pd.DataFrame(rows if tabular else {})),
    )  # fmt: skip
    spec = DataSpec(
        tabular=len(stats.tabular.features), events=events.width, heads={"mortality": 2}
    )
    weights, stats_file = scratch / f"{name}.safetensors", scratch / f"{name}.json"
    torch.manual_seed(seed)
    state = build_model(MODEL, spec).state_dict()
    # Drawn, too, where a network begins at zeros or in small steps: they prove little.
    drawn = {k: v + 0.3 * torch.randn_like(v) for k, v in state.items()}
    save_file({k: v.contiguous() for k, v in drawn.items()}, str(weights))
    foldstats.save(stats, stats_file)
    reference = REFERENCE if spec.tabular else Reference(tabular=())
    return MemberFiles(weights=weights, stats=stats_file, spec=spec, reference=reference)


def course(seed: int = 0, *, events: int = 9) -> list[dict[str, Any]]:
    """Return one stay's events as a request sends them, in no order."""
    rng = np.random.default_rng(seed)
    return [
        {"hours_before_prediction": float(rng.uniform(0, 48)), "type": str(rng.choice(EVENT_KINDS)),
         "text": str(rng.choice(TEXTS))}
        for _ in range(events)
    ]  # fmt: skip
