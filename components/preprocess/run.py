"""Records → tensors. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import shutil
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.heads import HeadMap
from components.core.config.sections import LabelConfig, PreprocessConfig
from components.core.data import foldstats
from components.core.data.arrays import open_arrays
from components.core.data.cohort import WEIGHT_PREFIX, stats_path
from components.core.data.event_input import events_taught
from components.core.data.tensors import TensorReader
from components.core.errors import ConfigError, InputError, nearest
from components.core.files import write_atomic
from components.core.heads.known import known_columns, teaches
from components.core.modalities import EVENTS
from components.core.parts import PARTS_FOLDER
from components.core.schemas import (
    EVENT_COUNT,
    FLAG_PREFIX,
    GRADE_COLUMN,
    MANIFEST,
    PART_PREFIX,
    QUALITY,
    REJECT_SCHEMA,
    REJECTS,
    SHARDS,
    SUBJECT_COLUMNS,
    TABULAR_PREFIX,
    TARGET_PREFIX,
    TEXT_PREFIX,
    TIME_PREFIX,
    TIMES,
    TRUTH_PREFIX,
    fold_names,
    is_outcome,
    tabular_columns,
)
from components.core.store import Stage, Workspace
from components.preprocess import outcome, splits
from components.preprocess.embeddings import embedding_columns, prepare_embeddings
from components.preprocess.endpoints import require_weights, tell_follow_up
from components.preprocess.events import event_columns, prepare_events
from components.preprocess.facts import state_facts
from components.preprocess.heads import outcome_config, with_truths
from components.preprocess.media import media_columns, prepare_arrays, require_something
from components.preprocess.notes import attach_notes
from components.preprocess.shuffle import shuffle_outcomes
from components.preprocess.signals import prepare_signals
from components.preprocess.texts import embed_notes, text_stats
from components.preprocess.truths import add_views
from components.preprocess.weights import fold_weights
from components.preprocess.window import within_window

# Modalities that a record may lack without a word; of others `arrays.require` speaks.
_PLAIN = {"ecg", "tabular"}


def preprocess(
    work: Workspace,
    source: Stage,
    *,
    label: LabelConfig,
    config: PreprocessConfig,
    heads: HeadMap | None = None,
) -> None:
    """Fill the workspace with manifest, tensor shards, splits and per-fold statistics.

    Args:
        work: receives the files and the counts.
        source: the ingest stage.
        label: what is predicted, at which horizon, and how censoring is treated; with `derive`
            the label comes from the serial measurements.
        config: modalities, ECG window, pictures, sounds, embeddings, pairing, notes, split.
        heads: name → what it answers and learns from; none is one head of the label.

    Raises:
        InputError: nothing is left, a modality is in no record, a head has no truth, notes are
            asked for and missing, follow-up is given for some records only, measurements are asked
            for and missing, or a part of a split would lack a class.
    """
    frame = pd.read_parquet(source.folder / MANIFEST)
    columns = _columns(frame, config)
    has_ecg = "ecg" in config.modalities and bool(frame["ecg_shard"].notna().any())
    if EVENT_COUNT in frame and not (has_ecg or columns or {*config.modalities} - _PLAIN):
        raise InputError(
            f"the {len(frame)} records hold sequences of events, of which preprocess.modalities "
            f"({', '.join(config.modalities)}) takes nothing in; name 'events' there"
        )
    rejects: list[dict[str, Any]] = []
    if has_ecg:
        frame, rejects = within_window(frame, config.ecg)
    if label.derive == "ctrcd":
        frame, refused = outcome.derive_label(work, source, frame, label)
        rejects += refused
    if heads:
        frame, refused = with_truths(work, source, frame, heads=heads, label=label, config=config)
        rejects += refused
    frame, refused = _tensors(work, source, frame, columns, config, has_ecg=has_ecg)
    rejects += refused
    _save(work, REJECTS, pa.Table.from_pylist(rejects, schema=REJECT_SCHEMA))
    own = outcome_config(heads, label) if heads else label
    true_label = outcome.label_of(frame, own, partial=bool(heads))
    if label.shuffle is not None:
        frame = shuffle_outcomes(frame, label.shuffle)
    frame, labelled = outcome.add_outcome(work, frame, own, partial=bool(heads))
    frame = add_views(frame, heads or {})
    tell_follow_up(work, frame, heads or {})
    if "text" in config.modalities:
        frame = attach_notes(work, source, frame, config.notes)
    # By the labels as they were: a control has its model's patients in every part.
    split = splits.assign(frame, config.split, label=true_label, shuffle=label.shuffle)
    frame = frame.assign(**split.parts)
    require_weights(frame, heads or {})
    frame = frame.assign(**fold_weights(frame, label, labelled))
    made = [
        *_made(frame), *media_columns(frame, config), *embedding_columns(config),
        *event_columns(config),
    ]  # fmt: skip
    kept = [*SUBJECT_COLUMNS, "ecg_sha256", *made, *_tabular(columns)]
    table = pa.Table.from_pandas(frame[kept], preserve_index=False)
    _save(work, MANIFEST, table)
    if "text" in config.modalities:
        embed_notes(work, frame, config.text)
    _statistics(work, frame, columns, config, has_ecg=has_ecg, known=known_columns(heads or {}))
    state_facts(
        work, frame, columns, config, has_ecg=has_ecg, source=source, split=split,
        shuffle=label.shuffle,
    )  # fmt: skip
    work.facts["learned_from"] = list(known_columns(heads or {}))


def _tensors(
    work: Workspace,
    source: Stage,
    frame: pd.DataFrame,
    columns: list[str],
    config: PreprocessConfig,
    *,
    has_ecg: bool,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records with the places of their ECGs and arrays, and the reject rows."""
    rejects: list[dict[str, Any]] = []
    if has_ecg and len(frame):
        frame, rejects = prepare_signals(work, source, frame, config)
    else:
        frame = frame.assign(shard=None, shard_row=None)
    if len(frame):
        frame, refused = prepare_arrays(work, source, frame, config)
        rejects += refused
        frame, refused = prepare_embeddings(work, source, frame, config)
        rejects += refused
        frame = prepare_events(work, source, frame, config)
        frame, refused = require_something(frame, columns, config)
        rejects += refused
    if frame.empty:
        raise InputError("no record is left after preprocessing; see rejects.parquet")
    shutil.rmtree(work.folder / PARTS_FOLDER, ignore_errors=True)
    return frame, rejects


def _save(work: Workspace, name: str, table: pa.Table) -> None:
    write_atomic(work.path(name), lambda p: pq.write_table(table, p))


def _columns(frame: pd.DataFrame, config: PreprocessConfig) -> list[str]:
    found = tabular_columns(frame)
    if "tabular" not in config.modalities:
        return []
    for name in config.tabular:
        if name not in found:
            raise ConfigError(f"preprocess.tabular names '{name}'; {nearest(name, found)}")
    return list(config.tabular) or found


def _tabular(columns: list[str]) -> list[str]:
    return [f"{TABULAR_PREFIX}{c}" for c in columns]


def _made(frame: pd.DataFrame) -> list[str]:
    prefixes = (PART_PREFIX, WEIGHT_PREFIX, TIME_PREFIX, FLAG_PREFIX, TARGET_PREFIX, TRUTH_PREFIX,
                TEXT_PREFIX)  # fmt: skip
    named = ("censored", QUALITY, GRADE_COLUMN, "shard", "shard_row")
    ends = tuple(f"{time}." for time in TIMES)  # of endpoints beside the label's
    return [c for c in frame.columns
            if c in named or is_outcome(c) or c.startswith((*prefixes, *ends))]  # fmt: skip


def _statistics(
    work: Workspace,
    frame: pd.DataFrame,
    columns: list[str],
    config: PreprocessConfig,
    *,
    has_ecg: bool,
    known: tuple[str, ...],
) -> None:
    numbers = sorted({int(s) for s in frame["shard"].dropna()})
    reader = TensorReader(work.folder / SHARDS, numbers) if has_ecg else None
    for fold in fold_names(frame):
        rows = frame[(frame[f"{PART_PREFIX}{fold}"] == "train") & teaches(frame, known)]
        text = text_stats(work, rows, config) if "text" in config.modalities else None
        arrays = open_arrays(work.folder, rows)
        with_events = EVENTS in config.modalities
        events = events_taught(work.folder, work.facts, rows) if with_events else None
        stats = foldstats.fit_fold(
            fold, rows, columns, reader, config.ecg.leads, text, arrays, events
        )
        path = stats_path(work.folder, fold)
        path.parent.mkdir(exist_ok=True)
        foldstats.save(stats, path)
