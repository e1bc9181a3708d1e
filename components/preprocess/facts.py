"""What a prepared cohort says of itself: folds, sizes, split, identity of the split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from components.core.config.base import digest
from components.core.config.sections import PreprocessConfig
from components.core.schemas import (
    FLAG_PREFIX,
    PART_PREFIX,
    PARTS,
    REJECTS,
    SHARD_PREFIX,
    fold_names,
)
from components.core.store import Stage, Workspace
from components.preprocess.embeddings import embedding_modalities
from components.preprocess.media import media_modalities
from components.preprocess.notes import COLUMN as NOTE
from components.preprocess.splits import Split


def state_facts(
    work: Workspace,
    frame: pd.DataFrame,
    columns: list[str],
    config: PreprocessConfig,
    *,
    has_ecg: bool,
    source: Stage,
    split: Split,
    shuffle: int | None,
) -> None:
    """Fill the workspace's facts and counts.

    Args:
        work: has the rejects already.
        frame: the finished manifest.
        columns: tabular features in use.
        config: modalities and how their rows are made.
        has_ecg: there are tensors.
        source: the ingest stage.
        split: how the parts were made and what they may not share.
        shuffle: seed under which the outcomes were dealt out; None where they are as they were.
    """
    folds, media = fold_names(frame), media_modalities(config)
    arrays = [*media, *embedding_modalities(config)]
    known = frame[frame["label"].notna()]
    patients = known.groupby("patient_id")["label"].max()
    work.facts |= {
        "folds": folds,
        "modalities": (["ecg"] if has_ecg else [])
        + (["tabular"] if columns else [])
        + (["text"] if NOTE in frame else [])
        + arrays
        + (["events"] if "events" in config.modalities else []),
        "features": columns,
        "ecg": config.ecg.model_dump(mode="json"),
        **{name: getattr(config, name).model_dump(mode="json") for name in media},
        "patients_known": source.facts["patients_known"],
        "source": source.facts["source"],
        "test_split_sha256": _test_split(frame, folds, shuffle),
        "labels_shuffled": shuffle,
        "sizes": {fold: _sizes(known, fold) for fold in folds},
        "split_method": split.method,
        "split_groups": split.groups,
        "split_note": split.note,
    }
    work.counts |= {
        "records": len(frame),
        "patients": int(frame["patient_id"].nunique()),
        "patients_labelled": len(patients),
        "events": int((patients == 1).sum()),
        "censored_records": int(frame["censored"].sum()),
        "rejects": pq.read_metadata(work.folder / REJECTS).num_rows,
        "prevalence": float(np.mean(patients.to_numpy(float))),
        **{f"records_with_{m}": int(frame[f"{SHARD_PREFIX}{m}"].notna().sum()) for m in arrays},
        **_flag_counts(frame),
    }


def _test_split(frame: pd.DataFrame, folds: list[str], shuffle: int | None) -> str:
    """Return the hash of who is in which part, and of the seed of a control.

    A control has its model's parts, but what is read of its test part are dealt outcomes: that is
    no look at the model's.
    """
    assignment = frame[["sample_id", *[f"{PART_PREFIX}{f}" for f in folds]]]
    rows = sorted(map(list, assignment.astype(str).itertuples(index=False, name=None)))
    return digest(rows if shuffle is None else {"parts": rows, "labels_shuffled": shuffle})


def _flag_counts(frame: pd.DataFrame) -> dict[str, int]:
    """Return per flag how many records carry it; nothing of a flag that is unknown in all."""
    names = [c for c in frame.columns if c.startswith(FLAG_PREFIX) and frame[c].notna().any()]
    return {name: int(frame[name].eq(True).sum()) for name in names}


def _sizes(known: pd.DataFrame, fold: str) -> dict[str, dict[str, int]]:
    sizes: dict[str, dict[str, int]] = {}
    for part in PARTS:
        rows = known[known[f"{PART_PREFIX}{fold}"] == part]
        patients = rows.groupby("patient_id")["label"].max()
        sizes[part] = {
            "records": len(rows),
            "patients": len(patients),
            "events": int((patients == 1).sum()),
        }
    return sizes
