"""A prepared cohort as training may see it: one fold, without its test part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data import foldstats
from components.core.data.arrays import Arrays, open_arrays
from components.core.data.event_input import EventInput, open_events, stage_events
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import tabular_frame
from components.core.data.tensors import TensorReader
from components.core.data.texts import embedded, stage_text
from components.core.errors import InputError, RefusedError
from components.core.heads.known import LABEL, teaches
from components.core.modalities import MODALITIES, Modality
from components.core.schemas import (
    MANIFEST,
    PART_PREFIX,
    SHARDS,
    TABULAR_PREFIX,
    TRUTH_PREFIX,
    fold_names,
    is_outcome,
)
from components.core.store import Stage

WEIGHT_PREFIX = "weight."
# Columns of a manifest, one of which must be known for a record to be taken.
Known = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Records of one part of one fold, ready to be batched.

    Attributes:
        frame: their manifest rows, in this order.
        reader: of the ECG shards; None for a tabular cohort.
        tabular: `[n, width]` float32, encoded with the fold's training statistics.
        stats: those statistics.
        text: `[n, width]` float32 embeddings of the notes; zeros where there is none.
        text_mask: `[n]` whether there is a note.
        arrays: images, sounds and the like by modality.
        events: their sequences of clinical events; None without any.
        tabular_masked: tell who lacks every clinical field although no array is left beside them,
            because one was taken away; beside arrays that is always told.
    """

    frame: pd.DataFrame
    reader: TensorReader | None
    tabular: npt.NDArray[np.float32]
    stats: FoldStats
    text: npt.NDArray[np.float32]
    text_mask: npt.NDArray[np.bool_]
    arrays: Arrays = field(default_factory=dict)
    events: EventInput | None = None
    tabular_masked: bool = False

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def modalities(self) -> tuple[Modality, ...]:
        """Return what the records hold, in the order of `MODALITIES`."""
        there: dict[Modality, bool] = {
            "ecg": self.reader is not None,
            "tabular": self.tabular.shape[1] > 0,
            "text": self.text.shape[1] > 0,
            **dict.fromkeys(self.arrays, True),
            "events": self.events is not None,
        }
        return tuple(name for name in MODALITIES if there.get(name))

    @cached_property
    def labelled(self) -> bool:
        """Return whether every record's label is known."""
        return bool(self.frame["label"].notna().all())

    @cached_property
    def label(self) -> npt.NDArray[np.int64]:
        """Return `[n]` 0 or 1; there is none where a label is unknown."""
        return self.frame["label"].to_numpy(np.int64)

    @cached_property
    def weight(self) -> npt.NDArray[np.float64]:
        """Return `[n]` weights by inverse probability of censoring; ones without censoring."""
        return self.frame["weight"].to_numpy(np.float64)

    @cached_property
    def tabular_there(self) -> npt.NDArray[np.bool_]:
        """Return `[n]` whether any clinical field in use is known."""
        columns = [f"{TABULAR_PREFIX}{name}" for name in self.stats.tabular.columns]
        return self.frame[columns].notna().any(axis=1).to_numpy(np.bool_)

    @cached_property
    def truths(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return column → `[n]` what heads learn from, NaN where it is not known."""
        named = [c for c in self.frame.columns if c.startswith(TRUTH_PREFIX)]
        columns = [*named, *[c for c in self.frame.columns if is_outcome(c)]] if named else []
        return {c: self.frame[c].astype("Float32").to_numpy(np.float32, na_value=np.nan)
                for c in columns}  # fmt: skip

    def take(self, index: npt.NDArray[np.int64]) -> Rows:
        """Return the named rows, in that order."""
        return replace(
            self,
            frame=self.frame.iloc[index].reset_index(drop=True),
            tabular=self.tabular[index],
            text=self.text[index],
            text_mask=self.text_mask[index],
            arrays={name: part.take(index) for name, part in self.arrays.items()},
            events=None if self.events is None else self.events.take(index),
        )

    def without(self, modality: str) -> Rows:
        """Return the same records as if a modality had never been recorded.

        Raises:
            InputError: there is no such modality.
        """
        empty = np.zeros((len(self), 0), np.float32)
        if modality == "ecg":
            return replace(self, reader=None, stats=self.stats.model_copy(update={"ecg": None}))
        if modality == "text":
            return replace(self, text=empty)
        if modality == "tabular":
            return replace(self, tabular=empty)
        if modality == "events":
            return replace(self, events=None, tabular_masked=True)
        if modality in self.arrays:
            kept = {name: part for name, part in self.arrays.items() if name != modality}
            return replace(self, arrays=kept, tabular_masked=True)
        raise self._unknown(modality)

    def _unknown(self, modality: str) -> InputError:
        known = ", ".join(self.modalities)
        return InputError(f"these records hold no modality '{modality}'; they hold {known}")

    def only(self, modality: str) -> Rows:
        """Return the same records as if nothing but a modality had ever been recorded.

        Records that lack it stay, masked, so that all variants answer the same patients.

        Raises:
            InputError: there is no such modality.
        """
        if modality not in self.modalities:
            raise self._unknown(modality)
        alone = self
        for name in self.modalities:
            alone = alone if name == modality else alone.without(name)
        return alone

    @cached_property
    def shard(self) -> npt.NDArray[np.int64]:
        """Return `[n]` shard numbers."""
        return self.frame["shard"].to_numpy(np.int64)

    @cached_property
    def shard_row(self) -> npt.NDArray[np.int64]:
        """Return `[n]` rows within the shards."""
        return self.frame["shard_row"].to_numpy(np.int64)


def folds(stage: Stage) -> list[str]:
    """Return the names of a prepared cohort's folds."""
    return list(stage.facts["folds"])


def read_part(
    stage: Stage,
    fold: str,
    part: str,
    *,
    unlabelled: bool = False,
    known: Known = (LABEL,),
    stats: FoldStats | None = None,
) -> Rows:
    """Return the records of the train or validation part of a fold whose label is known.

    Args:
        stage: a prepared cohort.
        fold: its name.
        part: `train` or `val`.
        unlabelled: take those of unknown label, too: censored before the horizon, say, whom a
            figure of times to event counts. They can be predicted, not trained on.
        known: columns, one of which must be known, where other heads learn from other truths.
        stats: what the records are encoded by; None takes the fold's own.

    Raises:
        RefusedError: the test part was asked for; `held_out` opens it.
        InputError: there is no such fold.
    """
    if part == "test":
        raise RefusedError(
            f"the test part of fold {fold} stays closed to training; evaluate alone opens it"
        )
    return rows_of(stage, fold, part, unlabelled=unlabelled, known=known, stats=stats)


def rows_of(
    stage: Stage,
    fold: str,
    part: str,
    *,
    unlabelled: bool = False,
    known: Known = (LABEL,),
    stats: FoldStats | None = None,
) -> Rows:
    """Return the records of any part (see `read_part` and `held_out`)."""
    frame = pd.read_parquet(stage.folder / MANIFEST)
    names = fold_names(frame)
    if fold not in names:
        raise InputError(f"there is no fold '{fold}'; the cohort has {', '.join(names)}")
    chosen = (frame[f"{PART_PREFIX}{fold}"] == part) & (teaches(frame, known) | unlabelled)
    rows = frame[chosen].reset_index(drop=True)
    rows["weight"] = rows[f"{WEIGHT_PREFIX}{fold}"].fillna(1.0)
    return make_rows(stage, rows, stats or read_stats(stage, fold))


def make_rows(stage: Stage, rows: pd.DataFrame, stats: FoldStats) -> Rows:
    """Return manifest rows with their signals and encoded features."""
    features = tabular_frame(rows, stats.tabular.columns, TABULAR_PREFIX)
    text, mask = embedded(stage, rows, stats)
    return Rows(
        frame=rows,
        reader=open_shards(stage, rows),
        tabular=stats.tabular.transform(features),
        stats=stats,
        text=text,
        text_mask=mask,
        arrays=open_arrays(stage.folder, rows),
        events=open_events(stage, rows, stats.events),
    )


def open_shards(stage: Stage, rows: pd.DataFrame) -> TensorReader | None:
    """Return a reader of the shards that `rows` lie in; None for a tabular cohort."""
    if "ecg" not in stage.facts["modalities"]:
        return None
    shards = sorted({int(s) for s in rows["shard"].dropna()})
    return TensorReader(stage.folder / SHARDS, shards)


def read_stats(stage: Stage, fold: str) -> FoldStats:
    """Return a fold's training statistics."""
    return foldstats.load(stats_path(stage.folder, fold))


def stats_path(folder: Path, fold: str) -> Path:
    """Return where a fold's training statistics lie."""
    return folder / foldstats.FOLDER / f"{fold}.json"


def read_everyone(
    stage: Stage, fold: str, *, known: Known = (LABEL,), stats: FoldStats | None = None
) -> Rows:
    """Return every labelled record of a cross-validated cohort, for a refit under the name `fold`.

    Each patient is in some fold's train part, so nothing is opened that training may not see; the
    refit's own figures are never reported, its out-of-fold ones are. Statistics are fitted on
    everyone unless some are given.

    Raises:
        RefusedError: the cohort has one fixed test part.
    """
    names = folds(stage)
    if len(names) == 1:
        raise RefusedError("a cohort with one fixed test part has no refit on everyone")
    frame = pd.read_parquet(stage.folder / MANIFEST)
    rows = frame[teaches(frame, known)].reset_index(drop=True)
    weights = rows[[f"{WEIGHT_PREFIX}{name}" for name in names]]
    rows["weight"] = weights.mean(axis=1).fillna(1.0)
    return make_rows(stage, rows, stats or fit_rows(stage, fold, rows))


def fit_rows(stage: Stage, fold: str, rows: pd.DataFrame) -> FoldStats:
    """Return the statistics of training rows, as of a fold of that name."""
    return foldstats.fit_fold(
        fold,
        rows,
        list(stage.facts["features"]),
        open_shards(stage, rows),
        tuple(stage.facts["ecg"]["leads"]),
        stage_text(stage, rows),
        open_arrays(stage.folder, rows),
        stage_events(stage, rows),
    )
