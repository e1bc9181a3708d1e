"""In a process that computes: some rows of a batch's table → lines of its result."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.core import cells, tables
from components.core.bundle import Prediction, Predictor
from components.core.bundle_answer import as_table
from components.core.bundle_embeddings import embedding_batch
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import declared
from components.core.bundle_media import media_batch
from components.core.bundle_prediction import NAN
from components.core.bundle_ready import Ready, Sources, refused
from components.core.bundle_rows import media_files, row_of
from components.core.data.batches import Batch
from components.core.errors import RecordError
from components.core.modalities import EVENTS
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import read_signal
from components.core.signals.signal import Signal
from components.serve.answering import predictor_of
from components.serve.order import Chunk, Done
from components.serve.parsing import parsed

_Cells = Mapping[str, str | None]


def answered(chunk: Chunk) -> Done:
    """Return the rows, answered; a row that cannot be says why in `error`.

    Args:
        chunk: some rows of the table.
    """
    predictor = predictor_of(chunk.bundle)
    readied = [_ready(predictor, row, chunk) for row in chunk.rows]
    answers = predictor.answers(readied)
    table = as_table(answers, predictor.facts)
    table.insert(0, "row", range(chunk.first, chunk.first + len(answers)))
    table.insert(1, "line", list(chunk.lines))
    table["code"] = [each.code for each in answers]
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    header, _, lines = text.getvalue().partition("\n")
    return Done(
        header=header + "\n",
        lines=lines,
        count=len(answers),
        refused=sum(bool(each.error) for each in answers),
        abstained=sum(each.abstain for each in answers),
    )


def _ready(predictor: Predictor, row: _Cells, chunk: Chunk) -> Ready:
    facts, root = predictor.facts, Path(chunk.folder)
    try:
        if chunk.refused:
            raise RecordError("not_answered", chunk.refused)
        tables.check_width(dict(row), [""] * chunk.width)
        fields = row_of(row, facts) | _lists(row, facts)
        name = cells.required(row, chunk.column) if chunk.column else ""
    except RecordError as error:
        return Ready(answer=refused(Prediction(logit=NAN, probability=NAN), error))

    def read() -> Signal:
        return read_signal(DiskFile(root / name, root), declared(fields))

    def arrays() -> Batch:
        sent = embedding_batch(fields, facts)
        return sent | (media_batch(media_files(row, facts, root), facts) if facts.media else {})

    return predictor.ready(fields, Sources(recording=read, arrays=arrays))


def _lists(row: _Cells, facts: BundleFacts) -> dict[str, Any]:
    """Return embeddings, which stand in their cells as JSON, their quality, and events.

    Raises:
        RecordError: `not_json`, `not_a_number`.
    """
    found: dict[str, Any] = {}
    for name in facts.embeddings:
        text = cells.text(row, name)
        found[name] = None if text is None else _parsed(text, name)
        quality = f"{name}_quality"
        found[quality] = cells.number(row, quality)
    if facts.events is not None:
        found[EVENTS] = cells.text(row, EVENTS)
    return found


def _parsed(text: str, name: str) -> object:
    try:
        return parsed(text)
    except ValueError:
        raise RecordError(
            "not_json",
            f"the column '{name}' holds no JSON",
            field=name,
            advice="write the vector as [0.1, 0.2, …]",
        ) from None
