"""What a trial is trained on and what judges it: parts of the split, or inner folds of one fold.

Nothing here can open a test part: rows come from `read_part` and `read_everyone`, and an inner fold
holds what these gave, under statistics fitted anew on its own training rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from components.core.config.task import TaskConfig
from components.core.data.cohort import (
    Rows,
    fit_rows,
    folds,
    make_rows,
    read_everyone,
    read_part,
)
from components.core.data.units import units
from components.core.errors import InputError
from components.core.heads.known import binary_truth, known_columns
from components.core.members import REFIT
from components.core.pretrained import Pretrained
from components.core.store import Stage
from components.train import pretrained

# The unit of a split whose groups no two parts share at all; others tie only the test part.
_EVERY_PART = "all"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One fit of a trial.

    Attributes:
        name: of the fold; of an inner one `<outer fold>.i<number>`.
        train: what it learns from.
        val: what stops it, chooses its epoch and judges it.
    """

    name: str
    train: Rows
    val: Rows


def parts_of(
    stage: Stage, task: TaskConfig, fold: str, *, trunk: Pretrained | None = None
) -> list[Part]:
    """Return the fits of a trial.

    Args:
        stage: the prepared cohort.
        task: the resolved configuration.
        fold: empty for every fold's own training and validation part; an outer fold for inner folds
            of its training and validation patients alone; `refit` for inner folds of everyone.
        trunk: what is taken over from another model, and encodes the records.

    Raises:
        InputError: a part has patients of one class only, or too few for the inner folds.
    """
    found = _inner(stage, task, fold, trunk) if fold else _given(stage, task, trunk)
    for part in found:
        _check_classes(part, task)
    return found


def _given(stage: Stage, task: TaskConfig, trunk: Pretrained | None) -> list[Part]:
    known = known_columns(task.all_heads())
    found: list[Part] = []
    for fold in folds(stage):
        stats = None if trunk is None else pretrained.stats_for(trunk, fold)
        train, val = (
            read_part(stage, fold, each, known=known, stats=stats) for each in ("train", "val")
        )
        found.append(Part(name=fold, train=train, val=val))
    return found


def _inner(stage: Stage, task: TaskConfig, fold: str, trunk: Pretrained | None) -> list[Part]:
    frame = _outer(stage, task, fold)
    found: list[Part] = []
    for place, (seen, held) in enumerate(_dealt(stage, task, fold, frame)):
        name = f"{fold}.i{place}"
        own = frame.iloc[seen].reset_index(drop=True)
        stats = fit_rows(stage, name, own) if trunk is None else pretrained.stats_for(trunk, name)
        val = frame.iloc[held].reset_index(drop=True)
        found.append(
            Part(
                name=name, train=make_rows(stage, own, stats), val=make_rows(stage, val, stats)
            )
        )  # fmt: skip
    return found


def _outer(stage: Stage, task: TaskConfig, fold: str) -> pd.DataFrame:
    """Return the manifest rows that may be dealt into inner folds."""
    known = known_columns(task.all_heads())
    if fold == REFIT:
        return read_everyone(stage, REFIT, known=known).frame
    seen = [read_part(stage, fold, part, known=known).frame for part in ("train", "val")]
    return pd.concat(seen, ignore_index=True)


def _dealt(
    stage: Stage, task: TaskConfig, fold: str, frame: pd.DataFrame
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each inner fold's training and validation part.

    Patients stay whole, and so does what the split itself keeps whole; labels are spread evenly.

    Raises:
        InputError: fewer patients of a class than inner folds.
    """
    groups: dict[str, str] = stage.facts["split_groups"]
    unit = units(frame, [name for name, between in groups.items() if between == _EVERY_PART])
    label = _labels(frame, task).groupby(unit).max()
    k = task.tune.inner_folds
    for value in (0, 1):
        there = int((label == value).sum())
        if there < k:
            raise InputError(
                f"fold '{fold}' has {there} training and validation patient(s) with label {value}, "
                f"fewer than the {k} inner folds; lower tune.inner_folds, set tune.nested=false, "
                "or bring more data"
            )
    # Those of unknown label are a stratum of their own.
    stratum = unit.map(label).fillna(2).to_numpy(np.int64)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=task.tune.seed)
    with warnings.catch_warnings():
        # Of the stratum without label; both classes were counted above.
        warnings.filterwarnings("ignore", message="The least populated class")
        yield from splitter.split(frame, stratum, groups=unit.to_numpy(object))


def _labels(frame: pd.DataFrame, task: TaskConfig) -> pd.Series:
    name, head = next(iter(task.all_heads().items()))
    return binary_truth(name, head, frame)


def _check_classes(part: Part, task: TaskConfig) -> None:
    for kind, rows in (("training", part.train), ("validation", part.val)):
        label = _labels(rows.frame, task).groupby(rows.frame["patient_id"]).max().dropna()
        if label.nunique() < 2:
            only = f"label {int(label.iloc[0])}" if len(label) else "unknown label"
            raise InputError(
                f"the {kind} patients of fold '{part.name}' all have {only}, so that no trial can "
                "be judged there; lower tune.inner_folds or bring more patients of the other label"
            )
