"""The best possible answers in the synthetic cohort, from its planted truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from components.core.modalities import EMBEDDED, MODALITIES, Modality
from components.core.models.spec import DataSpec
from components.core.planted_truth import truth_table
from components.core.schemas import REJECTS
from components.core.store import Stage

# Inputs in a column's name: with the ECG's signal first, as long as there has been a truth; of
# array modalities in the order of `MODALITIES`.
_SIGNAL_FIRST: tuple[Modality, ...] = ("ecg", "text", "events", "tabular")


def inputs_of_spec(spec: DataSpec) -> tuple[str, ...]:
    """Return a task's inputs in the order in which the columns of the truth name them."""
    has = {
        "ecg": spec.leads > 0, "text": spec.text > 0, "tabular": spec.tabular > 0,
        "events": spec.events > 0,
        **dict.fromkeys(spec.arrays, True),
    }  # fmt: skip
    order = MODALITIES if spec.arrays else _SIGNAL_FIRST
    return tuple(name for name in order if has.get(name))


def unseen_embeddings(cohort: Stage) -> str:
    """Return in a sentence how many embeddings the truth knows and no model saw; "" for none.

    The chances of the truth are given everything that was recorded. What preprocess left out for
    its quality is in them, so that the best possible AUROC is of more than the model has.

    Args:
        cohort: the prepared one.
    """
    rejects = pd.read_parquet(cohort.folder / REJECTS, columns=["field", "code"])
    lost = int((rejects["field"].isin(EMBEDDED) & rejects["code"].eq("low_quality")).sum())
    if not lost:
        return ""
    return (
        f"The best possible AUROC is not exact but an upper bound: it knows {lost:,} embedding(s) "
        "of the cohort that preprocess.embeddings.min_quality left out, which no model saw."
    )


def oracle_logits(
    ingest: Stage, spec: DataSpec, head: str, patients: pd.DataFrame
) -> npt.NDArray[np.float64] | None:
    """Return `[n]` the true log-odds of the patients from the task's own inputs, or None.

    Not the model's: what a model that leaves an input out gives away is part of its share.

    Args:
        ingest: the ingest stage; only a synthetic cohort has a truth.
        spec: says which inputs the task has.
        head: whose binary view; a cohort with one label has one truth.
        patients: one row per patient, `patient_id`.
    """
    file = truth_table(ingest)
    if not file.exists():
        return None
    inputs = "_".join(inputs_of_spec(spec))
    there = set(pq.read_schema(file).names)
    column = next((c for c in (f"p_{head}_{inputs}", f"p_{inputs}") if c in there), None)
    if column is None:
        return None
    truth = pd.read_parquet(file, columns=["patient_id", column])
    chance = truth.groupby("patient_id")[column].mean().reindex(patients["patient_id"])
    clipped = np.clip(chance.to_numpy(np.float64), 1e-9, 1 - 1e-9)
    return np.log(clipped) - np.log1p(-clipped)
