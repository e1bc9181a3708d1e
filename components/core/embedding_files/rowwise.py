"""The layout `rows`: a data set of ids and one of vectors, row for row."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from components.core.embedding_files.ids import IdRule, normalised
from components.core.embedding_files.layout import Layout
from components.core.embedding_files.places import Ints, Places, column_names, member, vectors
from components.core.errors import InputError
from components.core.readers.hdf5 import is_text, text_blocks


def index_rows(
    file: h5py.File, layout: Layout, where: str
) -> tuple[dict[str, Places], tuple[str, ...]]:
    """Return patient → places, and the names of the columns.

    Raises:
        InputError: a data set is missing or of another type or length, ids collide, or a patient
            has several rows although `patches` is not declared.
    """
    ids, data = member(file, layout.ids, where), member(file, layout.embeddings, where)
    if not is_text(ids) or ids.ndim != 1:
        raise InputError(
            f"the ids '{layout.ids}' of '{where}' are {ids.dtype} of shape {ids.shape}; write one "
            "text or integer a row"
        )
    if vectors(data, where).ndim != 2 or len(ids) != len(data):
        raise InputError(
            f"'{where}' has {len(ids)} ids and embeddings of shape {data.shape}; they must match "
            "row for row"
        )
    known, codes = _coded(ids)
    patients = normalised(known, IdRule(pattern=layout.id_pattern, strip_zeros=layout.strip_zeros),
                          where)  # fmt: skip
    counts = np.bincount(codes, minlength=len(known))
    _check_single(counts, layout, where)
    # Stable: rows of a patient stay in their order.
    starts = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    quality = _quality(file, layout, codes, counts, where)
    places = {
        patients[raw]: Places(dataset=layout.embeddings, numbers=own, quality=float(good))
        for raw, own, good in zip(known, starts, quality, strict=False)
    }
    return places, column_names(file, layout.columns, data.shape[1], where)


def _coded(ids: Any) -> tuple[list[str], Ints]:  # noqa: ANN401 - h5py ships no types
    """Return the different ids in order of appearance, and each row's place among them."""
    known: dict[str, int] = {}
    parts = [
        np.array([known.setdefault(each, len(known)) for each in block], np.int64)
        for block in text_blocks(ids)
    ]
    return list(known), np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _check_single(counts: Ints, layout: Layout, where: str) -> None:
    several = int((counts > 1).sum())
    if several and not layout.patches:
        raise InputError(
            f"{several} ids of '{where}' stand in several rows; declare 'patches: true' where a "
            "patient has several vectors, or leave one row of each"
        )


def _quality(
    file: h5py.File, layout: Layout, codes: Ints, counts: Ints, where: str
) -> npt.NDArray[np.float64]:
    """Return per id the mean quality of its rows."""
    if not layout.quality:
        return np.ones(len(counts))
    data = member(file, layout.quality, where)
    if data.dtype.kind not in "fiu" or data.shape != codes.shape:
        raise InputError(
            f"the quality '{layout.quality}' of '{where}' is {data.dtype} of shape {data.shape}; "
            f"write one number for each of {len(codes)} rows"
        )
    each = np.nan_to_num(data[:].astype(np.float64), nan=np.inf)
    wrong = (each < 0) | (each > 1)
    mean = np.bincount(codes, weights=np.where(wrong, 0.0, each), minlength=len(counts)) / counts
    # As `mean_quality`: refused later, and not averaged away before.
    mean[codes[wrong]] = each[wrong]
    return mean
