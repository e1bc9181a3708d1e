"""In a process that computes: an order in, the answer as plain data or a refusal out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from components.core.bundle import Predictor
from components.core.bundle_answer import quality_note
from components.core.bundle_embeddings import embedding_batch
from components.core.bundle_inputs import declared
from components.core.bundle_media import media_batch
from components.core.bundle_prediction import Prediction
from components.core.bundle_ready import Ready, Sources
from components.core.data.batches import Batch
from components.core.errors import InputError, RecordError, UserError
from components.core.modalities import MediaModality
from components.core.readers.archives import SIGNATURE
from components.core.readers.rawfile import MemoryFile, RawFile
from components.core.readers.registry import read_signal, recognise
from components.core.readers.zipped import memory_file_from_zip
from components.core.signals.signal import Signal
from components.serve.order import ECG, Bundle, Order, Upload
from components.serve.problems import Refusal, refusal

# Of versions that an alias moved on from, requests under way may still ask the last ones.
_KEPT = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """An order as the networks take it.

    Attributes:
        predictor: that is asked.
        ready: the row.
        signal: the ECG as it was read; None without one.
        format: of its file; empty without one.
    """

    predictor: Predictor
    ready: Ready
    signal: Signal | None
    format: str


@dataclass(eq=False)
class _Recording:
    """Reads an ECG once, for the answer and for its picture."""

    uploads: Sequence[Upload]
    fields: Mapping[str, Any]
    signal: Signal | None = None
    format: str = ""
    read: Callable[[], Signal] = field(init=False)

    def __post_init__(self) -> None:
        self.read = self._read

    def _read(self) -> Signal:
        file = _ecg_file(self.uploads)
        self.format = recognise(file).NAME
        self.signal = read_signal(file, declared(dict(self.fields)), format=self.format)
        return self.signal


def answer(order: Order) -> dict[str, Any] | Refusal:
    """Return the answer as `components.serve.schema.Answer` has it, less what names the model."""
    try:
        taken = take(order)
        said = answered(taken)
    except UserError as error:
        return refusal(error)
    drawn = _drawings(taken, order) if order.draw else []
    return said | {"drawings": drawn}


def explain(order: Order) -> dict[str, Any] | Refusal:
    """Return the explanation as `components.serve.schema.Explanation` has it."""
    from components.core.bundle_explained import explained
    from components.core.config.explain import ExplainConfig
    from components.serve.explaining import as_data

    try:
        taken = take(order)
        said = answered(taken)
        found = explained(taken.predictor, taken.ready, steps=ExplainConfig().steps)
    except UserError as error:
        return refusal(error)
    return as_data(found) | {"answer": said | {"drawings": []}}


def take(order: Order) -> Taken:
    """Return an order, read.

    Raises:
        UserError: a part is missing, or there is one that the model does not take.
    """
    predictor = predictor_of(order.bundle)
    facts, row = predictor.facts, dict(order.fields)
    recording = _Recording(order.files.get(ECG, ()), row)

    def arrays() -> Batch:
        sent = embedding_batch(row, facts)
        if not facts.media:
            return sent
        files: dict[MediaModality, list[RawFile]] = {
            name: [each.file() for each in order.files[name]]
            for name in facts.media
            if order.files.get(name)
        }
        return sent | media_batch(files, facts)

    ready = predictor.ready(row, Sources(recording=recording.read, arrays=arrays))
    return Taken(predictor=predictor, ready=ready, signal=recording.signal, format=recording.format)


def answered(taken: Taken) -> dict[str, Any]:
    """Return what a bundle says, as plain data.

    Raises:
        RecordError: it says why it cannot.
    """
    found = taken.predictor.answers([taken.ready])[0]
    if found.error:
        raise RecordError(found.code, found.error)
    return said(found, taken.predictor) | {"read": _read(taken)}


def said(found: Prediction, predictor: Predictor) -> dict[str, Any]:
    """Return an answer as plain data; what is not a number is None."""
    numbers = ("probability", "lo", "hi", "logit", "quality")
    return {
        **{name: finite(getattr(found, name)) for name in numbers},
        "interval_note": found.interval_note,
        "flags": list(found.flags),
        "quality_note": quality_note(predictor.facts),
        "abstain": found.abstain,
        "abstain_reason": found.abstain_reason,
        "heads": {
            head: {name: finite(value) for name, value in own.items()}
            for head, own in found.heads.items()
        },
        "inputs": list(found.inputs),
        "contributions": {name: finite(value) for name, value in found.contributions.items()},
        "fields_note": found.fields_note,
        "imputed": {name: finite(each.confidence) for name, each in found.imputed.items()},
    }


def finite(value: float) -> float | None:
    """Return a number, or None in the place of NaN and infinities, which JSON cannot say."""
    return float(value) if math.isfinite(value) else None


@lru_cache(maxsize=_KEPT)
def predictor_of(bundle: Bundle) -> Predictor:
    """Load a model once per process; processes share the cores, so each has one thread."""
    torch.set_num_threads(1)
    return Predictor(Path(bundle.folder), text_encoder=bundle.text_encoder)


def _ecg_file(uploads: Sequence[Upload]) -> MemoryFile:
    if len(uploads) != 1:
        raise InputError(f"the request has {len(uploads)} files as 'ecg'; send one recording")
    upload = uploads[0]
    if not upload.content:
        raise RecordError("empty_file", "the file is empty", field=ECG)
    if upload.content.startswith(SIGNATURE):
        return memory_file_from_zip(upload.content)
    return upload.file()


def _read(taken: Taken) -> dict[str, Any]:
    signal = taken.signal
    if signal is None:
        return {}
    return {
        ECG: {
            "format": taken.format,
            "leads": list(signal.leads),
            "fs": float(signal.fs),
            "unit": signal.unit,
            "seconds": round(signal.samples / signal.fs, 3),
        }
    }


def _drawings(taken: Taken, order: Order) -> list[dict[str, str]]:
    from components.serve.drawings import drawings

    return drawings(taken.signal, order.files)
