"""Small raw files, and the stages made from them by the components' plain functions.

A component is imported by who makes its stage: a process that only writes files starts sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from components.core import store
from components.core.config.heads import HeadMap
from components.core.config.sections import (
    AuditConfig,
    IngestConfig,
    LabelConfig,
    PreprocessConfig,
)
from components.core.config.task import TaskConfig
from components.core.data.raw import raw_digest
from components.core.schemas import MANIFEST, REJECTS
from components.core.signals.leads import LEADS8

LABEL: dict[str, Any] = {"name": "toy", "definition": "toy event", "prediction_time": "day 0"}
# Two seconds at 500 Hz: enough for two beats, quick to write.
ECG: dict[str, Any] = {"length": 1000}


def beats(seed: int, *, seconds: float = 2.0, fs: int = 500, sick: bool = False) -> np.ndarray:
    """Return `[8, samples]` mV: two R and T waves with noise; sick hearts have inverted T waves."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    phase = (time + rng.uniform(0, 0.2)) % 1.0 - 0.4
    wave = np.exp(-((phase / 0.012) ** 2))
    wave += (-0.3 if sick else 0.3) * np.exp(-(((phase - 0.25) / 0.05) ** 2))
    gain = 0.5 + 0.1 * np.arange(8)
    return gain[:, None] * wave + rng.normal(0, 0.02, (8, time.size))


def write_wfdb(
    folder: Path,
    name: str,
    signal: np.ndarray,
    *,
    fs: int = 500,
    leads: Sequence[str] = LEADS8,
    gain: str = "1000(0)/mV",
) -> str:
    """Write a format-16 record of `signal` `[leads, samples]` mV and return its header's name."""
    counts = np.rint(signal * 1000).astype("<i2")
    lines = [f"{name} {len(leads)} {fs} {counts.shape[1]}"]
    for row, lead in zip(counts, leads, strict=True):
        check = int(row.astype(np.int64).sum().astype(np.uint16).view(np.int16))
        lines.append(f"{name}.dat 16 {gain} 16 0 {row[0]} {check} 0 {lead}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.dat").write_bytes(np.ascontiguousarray(counts.T).tobytes())
    return f"{name}.hea"


def write_table(path: Path, rows: Sequence[dict[str, object]], **options: Any) -> Path:
    """Write rows as CSV; None is an empty cell."""
    pd.DataFrame(list(rows)).to_csv(path, index=False, **options)
    return path


def write_ecg_cohort(folder: Path, *, patients: int = 40, every: int = 3, **more: object) -> Path:
    """Write a manifest and one record per patient; one in `every` is sick. Return the manifest."""
    rows: list[dict[str, object]] = []
    for i in range(patients):
        sick = i % every == 0
        path = write_wfdb(folder, f"r{i:03d}", beats(i, sick=sick))
        own = {"patient_id": f"p{i:03d}", "recording_id": f"r{i:03d}", "path": path}
        rows.append({**own, "label": int(sick), "age": 50 + (7 * i) % 30, **more})
    return write_table(folder / "manifest.csv", rows)


def write_tabular_cohort(folder: Path, *, patients: int = 120, seed: int = 0) -> Path:
    """Write a table in which `x` carries the risk and `noise` nothing. Return its path."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=patients)
    label = (rng.random(patients) < 1 / (1 + np.exp(0.5 - 2 * x))).astype(int)
    cells = zip(label.tolist(), x.tolist(), rng.normal(size=patients).tolist(), strict=True)
    rows: list[dict[str, object]] = [
        {"pid": f"p{i:04d}", "label": y, "x": a, "noise": b, "arm": "ab"[i % 2]}
        for i, (y, a, b) in enumerate(cells)
    ]
    return write_table(folder / "table.csv", rows)


TABULAR_OPTIONS: dict[str, Any] = {
    "label": "label",
    "patient_id": "pid",
    "tabular": {"x": "numeric", "noise": "numeric", "arm": "categorical"},
}


def ingest_config(source: str, path: Path | str, options: dict[str, Any] | None = None,
                  **more: Any) -> IngestConfig:  # fmt: skip
    """Return an ingest section; one process, so that a test's patches reach it."""
    return IngestConfig.model_validate(
        {"source": source, "path": str(path), "options": {source: options or {}}, "workers": 1}
        | more
    )


def ingested(config: IngestConfig) -> store.Stage:
    """Return the ingest stage of a configuration."""
    from components.ingest.run import ingest

    plain = config.model_dump(mode="json")
    raw = raw_digest(config.path, config.options.get(config.source, {}))
    inputs = {"raw": raw}
    print_ = store.fingerprint("ingest", config=plain, inputs=inputs, libraries={}, source="test")
    return store.build(
        "ingest", print_, config=plain, inputs=inputs, compute=lambda work: ingest(work, config)
    )[0]


def prepared(
    source: store.Stage,
    *,
    label: dict[str, Any] | None = None,
    heads: dict[str, Any] | None = None,
    **preprocess_: Any,
) -> store.Stage:
    """Return the preprocess stage of an ingest stage."""
    from components.preprocess.run import preprocess

    own = LabelConfig.model_validate(LABEL | (label or {}))
    named = TypeAdapter(HeadMap).validate_python(heads or {})
    config = PreprocessConfig.model_validate({"ecg": ECG, "workers": 1} | preprocess_)
    plain = {
        "label": own.model_dump(mode="json"),
        "heads": heads or {},
        "preprocess": config.model_dump(mode="json"),
    }
    inputs = {"ingest": source.fingerprint}
    print_ = store.fingerprint(
        "preprocess", config=plain, inputs=inputs, libraries={}, source="test"
    )
    return store.build(
        "preprocess", print_, config=plain, inputs=inputs,
        compute=lambda work: preprocess(work, source, label=own, config=config, heads=named),
    )[0]  # fmt: skip


def audited(
    stage: store.Stage,
    *,
    label: dict[str, Any] | None = None,
    looks: int = 0,
    **audit_: Any,
) -> store.Stage:
    """Return the audit stage of a prepared cohort."""
    from components.audit.run import audit

    own = LabelConfig.model_validate(LABEL | (label or {}))
    config = AuditConfig.model_validate(audit_)
    plain = {"label": own.model_dump(mode="json"), "audit": config.model_dump(mode="json")}
    inputs = {"preprocess": stage.fingerprint}
    print_ = store.fingerprint("audit", config=plain, inputs=inputs, libraries={}, source="test")
    return store.build(
        "audit", print_, config=plain, inputs=inputs,
        compute=lambda work: audit(work, stage, label=own, config=config, test_looks=looks),
    )[0]  # fmt: skip


def trained(
    stage: store.Stage,
    task: TaskConfig,
    on_epoch: Callable[..., None] | None = None,
    on_picture: Callable[..., None] | None = None,
) -> store.Stage:
    """Return the train stage of an audit stage."""
    from components.train.run import train

    plain = task.section("label", "model", "fit", "tuned")
    inputs = {"audit": stage.fingerprint}
    print_ = store.fingerprint("train", config=plain, inputs=inputs, libraries={}, source="test")
    report = on_epoch or (lambda member, epoch, figures: None)
    with pytest.MonkeyPatch.context() as patch:
        # Nets this small only wait for each other's threads.
        patch.setattr("components.train.run._cores", lambda: 1)
        return store.build(
            "train", print_, config=plain, inputs=inputs,
            compute=lambda work: train(work, stage, task, report, on_picture),
        )[0]  # fmt: skip


def task_config(**sections: Any) -> TaskConfig:
    """Return a resolved task with a tiny model; sections replace their defaults."""
    from components.core.models.registry import model_config

    plain: dict[str, Any] = {
        "task": "toy",
        "title": "A toy",
        "label": LABEL,
        "model": {"name": "tabular", "hidden": 8, "dropout": 0.1},
        "fit": {"epochs": 3, "batch": 16, "device": "cpu", "precision": "fp32"},
        "evaluate": {"draws": 100},
    }
    task = TaskConfig.model_validate(plain | sections)
    settings = {"name": task.model["name"], **model_config(task.model).model_dump(mode="json")}
    return task.model_copy(update={"model": settings})


def write_task(folder: Path, **sections: Any) -> str:
    """Write a task file of `task_config` and return its name."""
    file = folder / "toy.yaml"
    file.write_text(task_config(**sections).to_yaml())
    return str(file)


def manifest_of(stage: store.Stage) -> pd.DataFrame:
    """Return a stage's manifest."""
    return pd.read_parquet(stage.folder / MANIFEST)


def rejects_of(stage: store.Stage) -> pd.DataFrame:
    """Return a stage's rejects."""
    return pd.read_parquet(stage.folder / REJECTS)
