"""Embeddings of a request: one vector, or several of one patient (patches), on their native scale.

A row sends `<modality>` as a list of numbers, or as a list of such lists, and may send
`<modality>_quality` in [0, 1]; without one it is 1. What a row does not send is absent, and the
network says what it takes it to be. An entry that is missing is sent as null, never as NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core.bundle_files import BundleFacts
from components.core.data.batches import Batch
from components.core.data.embedding_input import EmbeddingInput
from components.core.errors import RecordError, shorten
from components.core.modalities import SPOKEN, EmbeddingModality

Floats = npt.NDArray[np.floating]
QUALITY_FIELD = "_quality"
# Lists deeper than patches of numbers are no embedding.
_DEEPEST = 2


def embedding_batch(row: Mapping[Any, Any], facts: BundleFacts) -> Batch:
    """Return the embeddings of one row as a raw batch of one record.

    Args:
        row: of a request.
        facts: of the bundle.

    Raises:
        RecordError: `wrong_type`, `wrong_width`, `several_vectors`, `not_finite` or `bad_quality`;
            the modality is named.
    """
    batch: Batch = {}
    for name, given in facts.embeddings.items():
        values, quality = sent_vectors(row, name, given), sent_quality(row, name)
        batch |= one_embedding(name, given, values, quality)
    return batch


def one_embedding(
    name: EmbeddingModality, given: EmbeddingInput, values: Floats | None, quality: float
) -> Batch:
    """Return one modality of one record as a raw batch, prepared as training's were.

    Args:
        name: of the modality.
        given: how training's were prepared.
        values: `[patches, W]`, NaN where an entry is missing; None where the record lacks it.
        quality: in [0, 1].
    """
    there = values is not None and np.float32(quality) >= np.float32(given.min_quality)
    pooled, valid = given.prepared(cast(Floats, values)) if there else given.nothing()
    batch: Batch = {
        name: torch.from_numpy(pooled[None]),
        f"{name}_mask": torch.tensor([float(there)]),
        f"{name}_quality": torch.tensor([quality if there else 0.0]),
    }
    if given.patches:
        batch[f"{name}_valid"] = torch.from_numpy(valid[None].astype(np.float32))
    return batch


def sent_vectors(
    row: Mapping[Any, Any], name: EmbeddingModality, given: EmbeddingInput
) -> Floats | None:
    """Return `[patches, W]` float64 of what a row sends of a modality; None where it sends nothing.

    Raises:
        RecordError: it is no list of numbers, has another width, holds NaN or an infinity, or comes
            as several vectors where training had one of each patient and no way to pool them.
    """
    sent = row.get(name)
    if sent is None or (pd.api.types.is_scalar(sent) and pd.isna(sent)):
        return None
    values, missing = _numbers(sent, name)
    if values.shape[1] != given.width:
        raise _refused(
            name, "wrong_width",
            f"has {values.shape[1]} numbers, the model was trained on {given.width}",
            "send the embedding of the encoder that the model was trained with",
        )  # fmt: skip
    if len(values) > 1 and given.pool == "attention" and not given.patches:
        raise _refused(
            name, "several_vectors",
            f"comes as {len(values)} vectors, and no patient of training had more than one",
            "send one vector",
        )  # fmt: skip
    within = np.abs(values) <= np.finfo(given.dtype).max
    wrong = int((~within & ~missing).sum())
    if wrong:
        raise _refused(
            name, "not_finite", f"holds {wrong} number(s) that are NaN, infinite or too large",
            "send null for a missing entry, or leave the embedding out",
        )  # fmt: skip
    return None if bool(missing.all()) else values


def _numbers(sent: Any, name: str) -> tuple[Floats, npt.NDArray[np.bool_]]:  # noqa: ANN401 - a cell
    """Return `[patches, W]` float64 and where an entry was sent as null."""
    try:
        plain = sent.tolist() if isinstance(sent, np.ndarray) else list(sent)
        cells = np.array(_as_lists(plain), dtype=object)
    except (TypeError, ValueError):
        cells = np.array(None, dtype=object)
    if cells.ndim != _DEEPEST or cells.size == 0 or not all(map(_is_entry, cells.flat)):
        raise _refused(
            name, "wrong_type",
            "is neither a list of numbers nor a list of such lists, all of one length",
            "send a list of numbers, or of several vectors of one patient a list of lists",
        )  # fmt: skip
    missing = np.array([each is None for each in cells.flat], np.bool_).reshape(cells.shape)
    return np.where(missing, np.nan, cells).astype(np.float64), missing


def _is_entry(cell: object) -> bool:
    return cell is None or (not isinstance(cell, bool) and isinstance(cell, Real))


def _as_lists(sent: list[Any]) -> list[Any]:
    """Return a list of vectors: one vector is a list of one."""
    own = [each.tolist() if isinstance(each, np.ndarray) else each for each in sent]
    return own if own and all(isinstance(each, (list, tuple)) for each in own) else [own]


def sent_quality(row: Mapping[Any, Any], name: EmbeddingModality) -> float:
    """Return the quality that a row sends of a modality; 1 where it sends none.

    Raises:
        RecordError: it is no number in [0, 1].
    """
    field = f"{name}{QUALITY_FIELD}"
    sent = row.get(field)
    if sent is None or (pd.api.types.is_scalar(sent) and pd.isna(sent)):
        return 1.0
    try:
        found = float(sent)
    except (TypeError, ValueError):
        found = np.nan
    if not 0 <= found <= 1:
        raise RecordError(
            "bad_quality", f"the field '{field}' is '{shorten(sent)}', no number from 0 to 1",
            field=field, advice="send a number from 0 to 1, or leave it out",
        )  # fmt: skip
    return found


def embeddings_note(row: Mapping[Any, Any], facts: BundleFacts, batch: Batch) -> str:
    """Return which embeddings were sent and do not enter, and why; empty where none is."""
    found = [
        f"{SPOKEN[name]} is of lower quality than {given.min_quality:g} and counts as absent"
        for name, given in facts.embeddings.items()
        if sent_vectors(row, name, given) is not None and not float(batch[f"{name}_mask"])
    ]
    return "; ".join(found)


def _refused(name: EmbeddingModality | str, code: str, reason: str, advice: str) -> RecordError:
    return RecordError(code, f"{SPOKEN[name]} {reason}", field=name, advice=advice)
