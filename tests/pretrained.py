"""Small cohorts of ECG, age and notes, and a bundle with a trunk that one of them trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.config.task import TaskConfig
from components.core.store import Stage
from components.core.upstream import upstream
from components.evaluate.bundling import bundle
from tests.chain import (
    audited,
    beats,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_table,
    write_wfdb,
)

TRUNK: dict[str, Any] = {
    "name": "trunk", "width": 4, "depth": 1, "hidden_size": 8, "ecg_hidden": 4, "text_hidden": 4,
    "tabular_hidden": 4, "head_hidden": 4, "dropout": 0.2,
}  # fmt: skip
FIT: dict[str, Any] = {
    "epochs": 2, "batch": 8, "lr": 0.01, "device": "cpu", "precision": "fp32",
}  # fmt: skip
OPTIONS: dict[str, Any] = {"tabular": {"age": "numeric"}, "note_column": "clinical_notes"}
ALL = ("ecg", "tabular", "text")
VERSION = "a" * 32


def source(folder: Path, *, prefix: str = "p", gain: float = 1.0, patients: int = 40) -> Stage:
    """Return the ingest stage of some patients; every third is sick, which its note hints at."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for i in range(patients):
        sick = i % 3 == 0
        words = [w for n, w in enumerate(("cough", "fever", "rest", "walks")) if i >> n & 1]
        rows.append(
            {
                "patient_id": f"{prefix}{i:03d}",
                "recording_id": f"{prefix}{i:03d}",
                "path": write_wfdb(folder, f"r{i:03d}", gain * beats(1000 + i, sick=sick)),
                "label": int(sick),
                "age": 50 + (7 * i) % 30 + (40 if gain != 1 else 0),
                "clinical_notes": " ".join([*words, "oedema" if i % 5 else "dyspnoea"]),
            }
        )
    write_table(folder / "manifest.csv", rows)
    return ingested(ingest_config("manifest", folder, OPTIONS))


def cohort(raw: Stage, *, modalities: tuple[str, ...] = ALL, seed: int = 42, **more: Any) -> Stage:
    """Return the prepared holdout of an ingest stage."""
    split = {"method": "holdout", "seed": seed, "fractions": (0.5, 0.25, 0.25)}
    return prepared(raw, **({"modalities": modalities, "split": split} | more))


def task(model: dict[str, Any] | None = None, **sections: Any) -> TaskConfig:
    """Return a task with a tiny trunk; `model` replaces some of its settings."""
    return task_config(**({"model": TRUNK | (model or {}), "fit": FIT} | sections))


def write_trunk(folder: Path, prepared_: Stage, **sections: Any) -> Path:
    """Train a trunk on a prepared cohort and return the folder of its bundle."""
    own = task(**sections)
    train = trained(audited(prepared_), own)
    bundle(folder, upstream(train), own, version=VERSION)
    return folder
