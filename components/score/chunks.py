"""One chunk of rows: ask the bundle, write the predictions and the rejects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from components.core import cells, tables
from components.core.bundle import Prediction, Predictor
from components.core.bundle_answer import (
    COLUMNS,
    FIELDS_NOTE,
    GIVEN,
    IMPUTED,
    QUALITY_NOTE,
    as_table,
    confidence_columns,
    given_columns,
    outputs,
)
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import declared
from components.core.bundle_media import media_batch
from components.core.bundle_rows import media_files, row_of
from components.core.data.batches import Batch
from components.core.errors import RecordError, shorten
from components.core.files import write_atomic
from components.core.parts import PARTS_FOLDER, ChunkCounts
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import read_signal
from components.core.schemas import REJECT_SCHEMA
from components.core.signals.signal import Signal
from components.score.embeddings import vectors_of
from components.score.records import NewRecord

_NUMBERS = ("probability", "lo", "hi", "logit", "quality")
_SHARED = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),  # row-N, the line of the manifest
        pa.field("patient_id", pa.string(), nullable=False),  # patient-N, its first line
        *[
            pa.field(name, pa.float64() if name in _NUMBERS else pa.string())
            for name in COLUMNS
            if name not in {"abstain", "error"}
        ],
        pa.field("abstain", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Model:
    """Which bundle is asked.

    Attributes:
        bundle: its folder.
        text_encoder: folder of the frozen encoder that reads its notes; empty without one.
    """

    bundle: Path
    text_encoder: str = ""


def prediction_schema(facts: BundleFacts) -> pa.Schema:
    """Return the columns of the predictions: those of any model, then what this one adds.

    That is what each head says, and of models with optional inputs which a record had and what each
    contributed, of models of embeddings how sure they are of what they imputed.
    """
    numbers = [name for name, _, _ in outputs(facts)] + list(given_columns(facts))
    numbers += confidence_columns(facts)
    texts = [GIVEN, QUALITY_NOTE, FIELDS_NOTE] if facts.optional else []
    texts += [IMPUTED] if facts.embeddings else []
    own = [pa.field(name, pa.float64()) for name in numbers]
    return pa.schema([*_SHARED, *own, *[pa.field(name, pa.string()) for name in texts]])


def part_files(folder: Path, number: int) -> tuple[Path, Path]:
    """Return predictions and rejects of a chunk; the predictions are written last."""
    parts = folder / PARTS_FOLDER
    return parts / f"{number:06d}.parquet", parts / f"{number:06d}.rejects.parquet"


def score_chunk(
    number: int, rows: list[NewRecord], folder: Path, model: Model, root: Path, column: str
) -> ChunkCounts:
    """Answer one chunk and write its two files; a finished chunk is left alone.

    Args:
        number: of the chunk.
        rows: of the manifest.
        folder: the stage's workspace.
        model: that is asked.
        root: folder that the files' paths are relative to, and must stay under.
        column: names the ECG's file; empty without ECG.
    """
    part, rejected = part_files(folder, number)
    if part.exists():
        return _finished(part, rejected)
    predictor = _predictor(model)
    answers = [(row, _ask(predictor, row, root, column)) for row in rows]
    good = [(row, answer) for row, answer in answers if not answer.error]
    bad = [_reject(row, answer) for row, answer in answers if answer.error]
    table = _table(good, predictor.facts)
    refused = pa.Table.from_pylist(bad, schema=REJECT_SCHEMA)
    write_atomic(rejected, lambda p: pq.write_table(refused, p))
    write_atomic(part, lambda p: pq.write_table(table, p))
    return ChunkCounts(len(good), len(bad))


def _finished(part: Path, rejected: Path) -> ChunkCounts:
    return ChunkCounts(pq.read_metadata(part).num_rows, pq.read_metadata(rejected).num_rows)


@lru_cache(maxsize=1)
def _predictor(model: Model) -> Predictor:
    """Load the model once per process; processes share the cores, so each has one thread."""
    torch.set_num_threads(1)
    return Predictor(model.bundle, text_encoder=model.text_encoder)


def _ask(predictor: Predictor, record: NewRecord, root: Path, column: str) -> Prediction:
    try:
        if record.refused is not None:
            raise record.refused
        tables.check_width(record.cells, [""] * record.width)
        cells.required(record.cells, "patient_id")
        row = row_of(record.cells, predictor.facts) | vectors_of(record)
        name = cells.required(record.cells, column) if column else ""
    except RecordError as error:
        return Prediction(logit=float("nan"), probability=float("nan"), error=str(error),
                          code=error.code)  # fmt: skip

    def read() -> Signal:
        return read_signal(DiskFile(root / name, root), declared(row))

    def media() -> Batch:
        facts = predictor.facts
        return media_batch(media_files(record.cells, facts, root), facts)

    return predictor.answer(
        row,
        read if column else None,
        None if record.embeddings else media,
        lambda: record.events,
    )


def _reject(record: NewRecord, answer: Prediction) -> dict[str, Any]:
    return {
        "file": "", "row": record.row, "field": "", "value": "", "code": answer.code,
        "reason": shorten(answer.error, 300), "advice": "mend the row or its file and score again",
    }  # fmt: skip


def _table(good: list[tuple[NewRecord, Prediction]], facts: BundleFacts) -> pa.Table:
    frame = as_table([answer for _, answer in good], facts).drop(columns="error")
    own = pd.DataFrame(
        {
            "sample_id": [f"row-{record.row}" for record, _ in good],
            "patient_id": [record.patient for record, _ in good],
        }
    )
    schema = prediction_schema(facts)
    joined = pd.concat([own, frame], axis=1)[schema.names]
    return pa.Table.from_pandas(joined, schema=schema, preserve_index=False)
