"""A hospital's small table of ICU stays with their events, and the stages made from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.core.store import Stage
from tests.chain import ingest_config, ingested, prepared

PREDICTION = pd.Timestamp("2024-03-02 12:00:00")
LABEL: dict[str, Any] = {
    "name": "mortality",
    "definition": "death in hospital",
    "negative": "left alive",
    "prediction_time": "24 h after ICU admission",
}
SPLIT: dict[str, Any] = {"method": "holdout", "fractions": [0.6, 0.2, 0.2]}
# Of the last 12 hours it carries the risk, of earlier ones it carries none.
RISK = "Norepinephrine infusion started"
# Kind and text of what happens to anybody.
COMMON = (
    ("lab", "Lactate 1.4 mmol/L"),
    ("lab", "Potassium 4.1 mEq/L"),
    ("prescription", "Heparin IV 5000 UNIT"),
    ("procedure", "Arterial Line"),
    ("ingredient", "Water 250 ml"),
    ("microbiology", "BLOOD CULTURE NEGATIVE"),
)
OPTIONS: dict[str, Any] = {
    "stays": "stays.parquet", "events": "events.parquet", "memory_gb": 1,
    "tabular": {"age": "numeric", "care_unit": "categorical"}, "period": "period",
}  # fmt: skip
Rows = list[dict[str, Any]]


def write_stays(folder: Path, *, stays: int = 60, seed: int = 0, longest: int = 40) -> Path:
    """Write `stays.parquet` and `events.parquet`; a third of the patients have two stays.

    Args:
        folder: receives them.
        stays: how many.
        seed: of the draws.
        longest: events of the longest stay.
    """
    rng = np.random.default_rng(seed)
    own: Rows = []
    happened: Rows = []
    for i in range(stays):
        late, early = bool(rng.random() < 0.4), bool(rng.random() < 0.4)
        own.append(_stay(i, label=int(rng.random() < (0.85 if late else 0.08)), rng=rng))
        times = rng.uniform(0.1, 48, int(rng.integers(3, longest + 1)))
        told = [(hours, *COMMON[rng.integers(len(COMMON))]) for hours in times]
        told += [(float(rng.uniform(0.2, 11)), "prescription", RISK)] if late else []
        told += [(float(rng.uniform(14, 40)), "prescription", RISK)] if early else []
        happened += [
            {"stay_id": f"s{i:04d}", "event_time": PREDICTION - pd.Timedelta(hours=float(hours)),
             "event_type": kind, "event_text": text}
            for hours, kind, text in told
        ]  # fmt: skip
    pd.DataFrame(own).to_parquet(folder / "stays.parquet", index=False)
    pd.DataFrame(happened).to_parquet(folder / "events.parquet", index=False)
    return folder


def _stay(number: int, *, label: int, rng: np.random.Generator) -> dict[str, Any]:
    patient = number - 1 if number % 3 == 2 else number
    return {
        "stay_id": f"s{number:04d}", "patient_id": f"p{patient:04d}", "label": label,
        "prediction_time": PREDICTION, "age": float(rng.integers(30, 90)),
        "care_unit": ("MICU", "CVICU")[number % 2],
        "period": ("2014 - 2016", "2017 - 2019")[number % 2],
    }  # fmt: skip


def ingested_stays(folder: Path, options: Mapping[str, Any] | None = None, **more: Any) -> Stage:
    """Return the ingest stage of `write_stays`' files."""
    return ingested(ingest_config("event_table", folder, {**OPTIONS, **(options or {})}, **more))


def prepared_stays(source: Stage, **more: Any) -> Stage:
    """Return the prepared cohort of sequences and static fields; settings replace defaults."""
    settings: dict[str, Any] = {
        "label": LABEL, "modalities": ["tabular", "events"], "split": SPLIT,
        "events": {"text": {"width": 8, "min_documents": 2}},
    }  # fmt: skip
    return prepared(source, **{**settings, **more})
