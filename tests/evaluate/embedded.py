"""A small cohort of embeddings with two endpoints, and a task on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.config.task import TaskConfig
from components.core.store import Stage
from tests import embedding_cohort
from tests.chain import audited, task_config
from tests.embedding_cohort import (
    SPLIT,
    ingested_embeddings,
    prepared_embeddings,
    write_embedding_cohort,
)

OWN_LABEL: dict[str, Any] = embedding_cohort.LABEL
HORIZON, RECURRENCE = 1826.0, 730.0
HEADS: dict[str, Any] = embedding_cohort.HEADS | {
    "survival_time": {"kind": "survival", "horizons_days": [730, HORIZON]},
    "recurrence_time": {
        "kind": "survival", "endpoint": "recurrence", "horizons_days": [365, RECURRENCE],
    },
}  # fmt: skip
# Analyses that have nothing to do with endpoints or embeddings.
PLAIN = ("behaviour", "decision_curve", "operating_points", "patients", "simple_inputs",
         "subgroups", "survival_head", "survival_view")  # fmt: skip
MODEL: dict[str, Any] = {
    "name": "hcat", "d_model": 8, "n_heads": 2, "n_global_layers": 1, "latent": 4, "scales": 1,
    "n_impute_iterations": 1, "dropout": 0.0,
}  # fmt: skip


def audited_cohort(folder: Path, *, patients: int = 500, **split: Any) -> Stage:
    """Return the audit of a cohort whose spatial embeddings keep their patches."""
    folder.mkdir(parents=True, exist_ok=True)
    source = ingested_embeddings(write_embedding_cohort(folder, patients=patients))
    stage = prepared_embeddings(
        source, heads=HEADS, split=split or SPLIT, embeddings={"pool": "attention"}
    )
    return audited(stage, label=embedding_cohort.LABEL)


def task(*baselines: str, skip: tuple[str, ...] = ()) -> TaskConfig:
    """Return the task on a tiny network, with some simple models beside it."""
    own: dict[str, Any] = {
        "label": OWN_LABEL, "heads": HEADS, "model": MODEL,
        "fit": {"epochs": 6, "batch": 32, "lr": 0.02, "patience": 6, "device": "cpu",
                "precision": "fp32", "refit": False, "monitor": "loss"},
        "evaluate": {"draws": 100, "baselines": list(baselines),
                     "skip": ["learning_curve", "optimism", *skip]},
    }  # fmt: skip
    return task_config(**own)
