"""A small cohort without ECGs in which a number and a word carry four truths at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from components.core.config.task import TaskConfig
from components.core.store import Stage
from tests.chain import (
    LABEL,
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    write_table,
)

HEADS: dict[str, Any] = {
    "lvef": {"kind": "binary", "target": "lvef", "below": 50},
    "survival": {"kind": "survival", "horizons_days": [30, 180, 365]},
    "risk": {"kind": "classes", "target": "risk", "classes": ["low", "mid", "high"]},
    "sure": {"kind": "confidence", "of": "lvef", "inner_folds": 2},
}
OPTIONS: dict[str, Any] = {
    "tabular": {"x": "numeric", "noise": "numeric"},
    "targets": {"lvef": "numeric", "risk": "categorical"},
    "note_column": "clinical_notes",
}
OWN_LABEL: dict[str, Any] = LABEL | {"name": "lvef", "derive": "head", "horizon_days": None}
SPLIT: dict[str, Any] = {"method": "holdout"}
MODALITIES = ["tabular", "text"]
WORDS = ("walk", "sleep", "diet", "work", "family", "garden", "travel", "reading")


def write(path: Path, *, patients: int = 300, seed: int = 0) -> Path:
    """Write the manifest: `x` and the word `swelling` lower the LVEF and bring the event nearer."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for i in range(patients):
        x, word = float(rng.normal()), bool(rng.random() < 0.4)
        burden = 1.2 * x + 1.5 * word - 0.6
        lvef = float(np.clip(round(56 - 5 * burden + 3 * rng.normal()), 15, 75))
        event = float(rng.exponential(900 * np.exp(-burden)))
        last = float(rng.uniform(100, 900))
        said = [*rng.choice(WORDS, 5).tolist(), "swelling" if word else "well"]
        rows.append(
            {
                "patient_id": f"p{i:04d}",
                "recording_id": f"r{i:04d}",
                "index_time": f"2020-01-{1 + i % 28:02d}",
                "ecg_time": f"2020-01-{1 + i % 28:02d}",
                "lvef": lvef if i % 10 else None,
                "risk": ("low", "mid", "high")[int(burden > 0) + int(burden > 1.2)]
                if i % 12
                else None,
                "event_time_days": round(event, 1) if event < last else None,
                "followup_days": round(last, 1),
                "clinical_notes": " ".join(said) if i % 9 else None,
                "x": x,
                "noise": float(rng.normal()),
            }
        )
    return write_table(path, rows)


def prepared_cohort(folder: Path, **more: Any) -> Stage:
    """Return the prepared cohort."""
    source = ingested(ingest_config("manifest", write(folder / "manifest.csv"), OPTIONS))
    sections: dict[str, Any] = {"split": SPLIT, "modalities": MODALITIES} | more
    sections = {"text": {"width": 8, "ngram": [1, 1]}} | sections
    return prepared(source, label=OWN_LABEL, heads=HEADS, **sections)


def audited_cohort(folder: Path, **more: Any) -> Stage:
    """Return its audit."""
    return audited(prepared_cohort(folder, **more), label=OWN_LABEL)


def task(**fit: Any) -> TaskConfig:
    """Return a task of all heads on a tiny trunk."""
    own = {"epochs": 6, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "fp32"}
    return task_config(
        label=OWN_LABEL,
        heads=HEADS,
        model={"name": "trunk", "hidden_size": 16, "text_hidden": 8, "tabular_hidden": 8,
               "head_hidden": 8},
        fit=own | {"monitor": "loss"} | fit,
    )  # fmt: skip
