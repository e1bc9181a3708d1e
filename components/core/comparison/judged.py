"""The evaluated models that are compared, and whether their patients can be paired."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from components.core.errors import InputError
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import Figures, PatientTables, patient_tables
from components.core.report.style import SERIES
from components.core.store import Stage

PREDICTIONS, PUBLISHED = "predictions.parquet", "published/predictions.parquet"
METRICS = "metrics_test.json"
_KEYS = ["repeat", "fold", "patient_id"]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An evaluated model.

    Attributes:
        letter: its name on the page, by the order given: A is what the others are compared with.
        reference: the run or folder as given.
        stage: of its evaluation.
        task: that it was trained for.
        model: name of the network.
        test_split: hash of the assignment of patients to parts and folds.
        tables: test predictions, patient by patient.
        published: `patient_id` → `patient-N`.
        figures: as its own report has them.
        sizes: `prevalence`, `patients` and `events` of its test patients.
    """

    letter: str
    reference: str
    stage: Stage
    task: str
    model: str
    test_split: str
    tables: PatientTables
    published: dict[str, str]
    figures: Figures
    sizes: dict[str, float]

    @property
    def plan(self) -> Plan:
        """Return the bootstrap of its evaluation."""
        config: dict[str, Any] = self.stage.config.get("evaluate", {})
        return Plan(draws=int(config.get("draws", Plan.draws)), seed=int(config.get("seed", 0)))

    @property
    def name(self) -> str:
        """Return letter and network, for legends and tables."""
        return f"{self.letter} ({self.model})"


def split_references(text: str) -> list[str]:
    """Return the references of `RUN,RUN[,RUN…]`.

    Raises:
        InputError: fewer than two, or more than a picture can hold apart.
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not 2 <= len(found) <= len(SERIES):
        raise InputError(
            f"'runs' names {len(found)} run(s); name 2 to {len(SERIES)}, separated by commas"
        )
    return found


def judged(stages: Sequence[tuple[str, Stage]]) -> list[Judged]:
    """Return the models behind evaluate stages, in the order given.

    Raises:
        InputError: one evaluation twice, or evaluations of different tasks.
    """
    models = [
        _one(letter, reference, stage)
        for letter, (reference, stage) in zip(string.ascii_uppercase, stages, strict=False)
    ]
    prints = [m.stage.fingerprint for m in models]
    for model in models:
        if prints.count(model.stage.fingerprint) > 1:
            raise InputError(
                f"'{model.reference}' is an evaluation that another run named here has, too; "
                "name runs of different models"
            )
        if model.task != models[0].task:
            raise InputError(
                f"'{models[0].reference}' is of task '{models[0].task}' and '{model.reference}' of "
                f"'{model.task}'; compare models of one task"
            )
    return models


def why_unpaired(models: Sequence[Judged]) -> str:
    """Return why the models' patients cannot be paired; empty where they can."""
    first = models[0]
    for other in models[1:]:
        if other.test_split != first.test_split:
            return (
                f"{first.letter} and {other.letter} were tested on different splits or folds "
                f"({first.test_split[:12]} and {other.test_split[:12]})"
            )
        own, rival = first.tables.each, other.tables.each
        if len(own) != len(rival) or not own[_KEYS].equals(rival[_KEYS]):
            return f"{first.letter} and {other.letter} were tested on different patients"
        differing = int((own["label"].to_numpy() != rival["label"].to_numpy()).sum())
        if differing:
            return (
                f"the labels of {differing:,} rows differ between {first.letter} and {other.letter}"
            )
        if not np.allclose(own["weight"], rival["weight"]):
            return f"{first.letter} and {other.letter} weight censored patients differently"
    return ""


def _one(letter: str, reference: str, stage: Stage) -> Judged:
    predictions = pd.read_parquet(stage.folder / PREDICTIONS)
    shown = pd.read_parquet(stage.folder / PUBLISHED, columns=["patient_id"])
    kept = json.loads((stage.folder / METRICS).read_text(encoding="utf-8"))
    tags, figures = stage.facts["tags"], stage.facts["figures"]
    return Judged(
        letter=letter,
        reference=reference,
        stage=stage,
        task=str(stage.config.get("task", "")),
        model=str(tags["model"]),
        test_split=str(tags["test_split"]),
        tables=patient_tables(predictions, folded=len(set(predictions["split"])) > 1),
        published=dict(zip(predictions["patient_id"], shown["patient_id"], strict=True)),
        figures={name: Interval(**cells) for name, cells in kept.items()},
        sizes={name: figures[f"test/{name}"] for name in ("prevalence", "patients", "events")},
    )
