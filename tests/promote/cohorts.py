"""Evaluated models of one small cohort, registered once; each test works on its own registry."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core import runs, store
from components.core.config.task import TaskConfig
from components.core.data.held_out import record_opening
from components.core.registry import register
from components.core.store import Stage
from components.core.upstream import upstream
from components.evaluate.run import evaluate
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_tabular_cohort,
)

MODEL = "toy_head"
FIT: dict[str, Any] = {
    "epochs": 12, "batch": 32, "lr": 0.02, "patience": 12, "device": "cpu", "precision": "fp32",
}  # fmt: skip
# What the gate does not look at, and what takes the time.
SKIP = ("learning_curve", "optimism", "decision_curve", "operating_points", "patients")
EVALUATE: dict[str, Any] = {
    "draws": 100, "skip": SKIP, "baselines": ("logistic_regression",),
    "subgroups": {"columns": ("arm",)},
}  # fmt: skip
# A few hundred patients calibrate worse, and are beaten by less, than the gate's defaults allow.
LENIENT = "calibration.slope=[0.2,5] calibration.ece=0.4 first_champion.margin=0.4"


@dataclass(frozen=True)
class Registered:
    """A version of the registry.

    Attributes:
        number: of the version.
        stage: of its evaluation.
    """

    number: str
    stage: Stage


def evaluated(train: Stage, task: TaskConfig) -> Stage:
    """Return the evaluate stage of a training, as the component makes it."""
    behind = upstream(train)
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(behind.cohort, recorder)
        inputs = {"train": train.fingerprint}
        config = task.section("task", "title", "evaluate")
        print_ = store.fingerprint(
            "evaluate", config=config, inputs=inputs, libraries={}, source="test"
        )
        return store.build(
            "evaluate", print_, config=config, inputs=inputs,
            compute=lambda work: evaluate(work, behind, task, opening, run_id=recorder.run_id),
        )[0]  # fmt: skip


def registered(stage: Stage, *, name: str = MODEL) -> Registered:
    """Enter an evaluation's bundle into the registry as the pipeline does."""
    tags: dict[str, object] = {
        runs.TAG_FINGERPRINT: stage.fingerprint, "task": "toy", **stage.facts["tags"],
    }  # fmt: skip
    with runs.open_run("toy", "train_toy", {}) as recorder:
        number = register(
            recorder.run_id, stage.folder / "bundle", name=name, alias="candidate", tags=tags
        )
    return Registered(number, stage)


def split_of(**split: Any) -> dict[str, Any]:
    """Return a holdout with a third of the patients for the test."""
    return {"method": "holdout", "fractions": (0.45, 0.2, 0.35), **split}


def make_all(folder: Path) -> dict[str, Registered]:
    """Return `weak` (1), `strong` (2), `twin` (3, as good), `waived` (4), `elsewhere` (5)."""
    path = write_tabular_cohort(folder, patients=600)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    cohort = prepared(source, split=split_of())
    plain = audited(cohort)
    reason = {"label_derived_column": "the risk is drawn from it"}
    waived = audited(cohort, label_auroc=0.6, waive=reason)
    other = audited(prepared(source, split=split_of(seed=7)))
    weak: dict[str, Any] = {"epochs": 1, "lr": 1e-6}
    fits: dict[str, tuple[Stage, dict[str, Any], dict[str, Any]]] = {
        "weak": (plain, weak, {}),
        "strong": (plain, {}, {}),
        # The same networks, evaluated once more with other draws: exactly as good.
        "twin": (plain, {}, {"seed": 1}),
        "waived": (waived, {}, {}),
        "elsewhere": (other, {}, {}),
    }
    found: dict[str, Registered] = {}
    for name, (audit, fit, more) in fits.items():
        task = task_config(fit=FIT | fit, evaluate=EVALUATE | more)
        found[name] = registered(evaluated(trained(audit, task), task))
    return found


def isolated(store_file: Path, folder: Path) -> str:
    """Copy a tracking store into a folder and return its address."""
    file = folder / "mlflow.db"
    shutil.copyfile(store_file, file)
    return f"sqlite:///{file}"
