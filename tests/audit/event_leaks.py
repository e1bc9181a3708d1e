"""A cohort of event sequences whose stays' ends are known, and leaks planted in its tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from components.audit.finding import Audited, Finding, all_checks
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.event_shards import shard_file
from components.core.store import Stage
from tests.chain import manifest_of
from tests.event_cohort import (
    LABEL,
    OPTIONS,
    PREDICTION,
    ingested_stays,
    prepared_stays,
    write_stays,
)

ENDS = {"stay_end": "out", "admission_end": "home"}
# Takes the stays, which it may change, and the events; returns the events.
Change = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def prepared_cohort(
    folder: Path, change: Change | None = None, options: dict[str, Any] | None = None, **more: Any
) -> Stage:
    """Return the prepared cohort of stays of which both ends are known.

    Args:
        folder: receives the tables.
        change: of the tables of stays and of events.
        options: of the source, over those of the tables as they are written.
        more: settings of preprocess.
    """
    write_stays(folder)
    own, happened = (pd.read_parquet(folder / f"{name}.parquet") for name in ("stays", "events"))
    rng = np.random.default_rng(7)
    for end, begin, mean in (("out", PREDICTION, 4), ("home", None, 6)):
        days = pd.to_timedelta(rng.exponential(mean, len(own)), unit="D").round("s")
        own[end] = days + (own["out"] if begin is None else begin)
    if change is not None:
        happened = change(own, happened)
    own.to_parquet(folder / "stays.parquet", index=False)
    happened.to_parquet(folder / "events.parquet", index=False)
    source = ingested_stays(folder, {**OPTIONS, **ENDS, **(options or {})})
    return prepared_stays(source, **more)


def look(name: str, stage: Stage, frame: pd.DataFrame | None = None) -> Finding:
    """Return what a check finds in a prepared cohort, or in a changed manifest of it."""
    own = manifest_of(stage) if frame is None else frame
    label = LabelConfig.model_validate(LABEL)
    return all_checks()[name].check(
        Audited(stage=stage, manifest=own, label=label, config=AuditConfig(), test_looks=0)
    )


def edited(stage: Stage, folder: Path, column: str, change: Callable[[Any], None]) -> Stage:
    """Return a copy of a prepared cohort with a column of its first shard of events changed."""
    copy = Path(shutil.copytree(stage.folder, folder / "copy"))
    with h5py.File(shard_file(copy, 0), "r+") as file:
        change(file[column])
    return replace(stage, folder=copy)
