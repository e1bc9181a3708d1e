"""Whom a bundle's networks were trained on, as hashes beside its weights.

A later task that starts from the bundle (`model.init_from`) is audited by them: none of its test
patients may be among them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from components.core.data.patient_set import read_patient_set, write_patient_set
from components.core.heads.known import LABEL, teaches
from components.core.members import pretrained_folder
from components.core.schemas import MANIFEST, PART_PREFIX, fold_names

if TYPE_CHECKING:
    from components.core.upstream import Upstream


def write_training_patients(folder: Path, stages: Upstream) -> None:
    """Write who trained or validated the networks, and whom a pretrained trunk had seen before.

    Nothing where patients are unknown: a recording's own number means another person elsewhere.

    Args:
        folder: of the bundle.
        stages: the training and what it was made from.
    """
    if not stages.cohort.facts["patients_known"]:
        return
    before = read_patient_set(pretrained_folder(stages.train.folder))
    untold = "trunk" in stages.train.facts and before is None
    write_patient_set(folder, training_patients(stages), before=before, complete=not untold)


def training_patients(stages: Upstream) -> list[str]:
    """Return the patients of the train and validation parts: of a cross-validation, everyone."""
    frame = pd.read_parquet(stages.cohort.folder / MANIFEST)
    learned = tuple(stages.cohort.facts.get("learned_from", (LABEL,)))
    parts = frame[[f"{PART_PREFIX}{fold}" for fold in fold_names(frame)]]
    seen = parts.isin(["train", "val"]).any(axis=1) & teaches(frame, learned)
    return sorted(set(frame.loc[seen, "patient_id"]))
