"""What preprocessing learns from data, per fold, from the training part only.

Written by preprocess as `norm_stats/<fold>.json`, recomputed by the audit, used by train, shipped
inside the model.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from components.core.config.base import Frozen
from components.core.data.arrays import Arrays, ArrayStats, array_stats
from components.core.data.event_stats import EventStats
from components.core.data.tabular import TabularEncoder, fit_tabular, tabular_frame
from components.core.data.tensors import TensorReader
from components.core.data.texts import TextStats
from components.core.errors import InputError
from components.core.modalities import ArrayModality
from components.core.schemas import TABULAR_PREFIX
from components.core.signals.normalise import Moments, NormStats

FOLDER = "norm_stats"


class FoldStats(Frozen):
    """Statistics of one fold's training part.

    Attributes:
        fold: its name.
        records: how many records they come from.
        ids_sha256: hash over those records' ids.
        ecg: per-lead mean and SD, as `NormStats` writes them; None without ECG.
        tabular: the fitted encoder.
        text: what the training notes taught; None without notes.
        arrays: mean and SD of each array modality's channels.
        events: encoder of the events' texts and the scale of time; None without events.
        origin: version of the pretrained model that they came with, its trunk being fed as it was
            trained; empty where they were fitted on this fold's own training part.
    """

    fold: str
    records: int
    ids_sha256: str
    ecg: dict[str, Any] | None
    tabular: TabularEncoder
    text: TextStats | None = None
    arrays: dict[ArrayModality, ArrayStats] = Field(default_factory=dict)
    events: EventStats | None = None
    origin: str = ""

    def norm(self) -> NormStats | None:
        """Return the ECG statistics."""
        return None if self.ecg is None else NormStats.from_json(json.dumps(self.ecg))


def fit_fold(
    fold: str, rows: pd.DataFrame, columns: list[str], reader: TensorReader | None,
    leads: tuple[str, ...], text: TextStats | None = None, arrays: Arrays | None = None,
    events: EventStats | None = None,
) -> FoldStats:  # fmt: skip
    """Return the statistics of the records in `rows` (the fold's training part).

    Args:
        fold: its name.
        rows: manifest rows with a known label.
        columns: tabular features in use.
        reader: of the ECG shards; None for a tabular cohort.
        leads: of the tensors.
        text: what the same records' notes taught.
        arrays: the same records' images and sounds.
        events: what the same records' events taught.
    """
    ecg = None
    if reader is not None:
        has = rows[rows["shard"].notna()]
        shard, row = has["shard"].to_numpy(np.int64), has["shard_row"].to_numpy(np.int64)
        ecg = asdict(Moments.pooled(reader.moments(shard, row)).stats(leads))
    return FoldStats(
        fold=fold,
        records=len(rows),
        ids_sha256=ids_hash(rows["sample_id"]),
        ecg=json.loads(json.dumps(ecg)),
        tabular=fit_tabular(tabular_frame(rows, columns, TABULAR_PREFIX)),
        text=text,
        arrays={name: array_stats(part) for name, part in (arrays or {}).items()},
        events=events,
    )


def ids_hash(ids: pd.Series) -> str:
    """Return a hash over a set of record ids, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids.astype(str))).encode()).hexdigest()


def save(stats: FoldStats, path: Path) -> None:
    """Write as JSON."""
    path.write_text(json.dumps(stats.model_dump(mode="json"), indent=1), encoding="utf-8")


def load(path: Path) -> FoldStats:
    """Read what `save` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return FoldStats.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"'{path.name}' cannot be read; run preprocess again") from error
