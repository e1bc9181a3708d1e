"""Where the attribution of clinical fields begins: the mean of those that taught a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.base import Frozen
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import tabular_frame
from components.core.heads.known import known_columns, teaches
from components.core.heads.registry import from_json
from components.core.members import REFIT
from components.core.schemas import MANIFEST, PART_PREFIX, TABULAR_PREFIX
from components.core.store import Stage


class Reference(Frozen):
    """What a bundle keeps of a network's training part, so that single answers can be explained.

    Attributes:
        tabular: `F` means of the encoded clinical fields; empty without any.
    """

    tabular: tuple[float, ...]


def reference_of(train: Stage, cohort: Stage, fold: str, stats: FoldStats) -> Reference:
    """Return what is kept; args as of `tabular_mean`."""
    return Reference(tabular=tuple(tabular_mean(train, cohort, fold, stats).tolist()))


def tabular_mean(
    train: Stage, cohort: Stage, fold: str, stats: FoldStats
) -> npt.NDArray[np.float32]:
    """Return `[F]` mean of the encoded columns over the records that taught a fold's networks.

    A cohort without clinical fields has F = 0.

    Beside pictures and sounds a patient without any field is absent, not one whose fields are all
    missing: no network looks at what stands for them, and neither does the mean.

    Args:
        train: the training; which heads it had.
        cohort: prepared; the one that it learned from.
        fold: its name; of a refit everyone's, none of whom is in a test part that stays closed.
        stats: by which the networks were fed.
    """
    if not stats.tabular.columns:
        return np.zeros(0, np.float32)
    known = known_columns(from_json(train.facts["heads"]))
    parts = [] if fold == REFIT else [f"{PART_PREFIX}{fold}"]
    fields = [f"{TABULAR_PREFIX}{name}" for name in stats.tabular.columns]
    frame = pd.read_parquet(cohort.folder / MANIFEST, columns=[*parts, *known, *fields])
    taught = teaches(frame, known) & (frame[parts] == "train").all(axis=1)
    features = tabular_frame(frame[taught], stats.tabular.columns, TABULAR_PREFIX)
    if stats.arrays:
        features = features[features.notna().any(axis=1)]
    return stats.tabular.transform(features).mean(axis=0, dtype=np.float64).astype(np.float32)


def save(reference: Reference, path: Path) -> None:
    """Write as JSON."""
    path.write_text(reference.model_dump_json(), encoding="utf-8")


def load(path: Path) -> Reference:
    """Read what `save` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    return Reference.model_validate_json(path.read_text(encoding="utf-8"))
