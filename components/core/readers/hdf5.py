"""HDF5 files from elsewhere: their data sets one by one, and only what lies in the file itself.

Links and virtual or external storage could lead to other files of the machine, and a filter that
is not built in would load a plug-in; neither is followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError, RecordError

# deflate, shuffle, fletcher32: built into HDF5; any other would load a plug-in.
_BUILT_IN = frozenset({1, 2, 3})
# h5py brings this one itself.
_LZF = 32000
# Of unpacked pieces kept at hand: rows that lie near one another are unpacked once.
_CACHE_BYTES = 1 << 26
# Ids that are read at a time.
_BLOCK = 1 << 16
# Beyond these a shape is damaged: numbers of a vector, rows that a byte of the file unpacks to.
_MAX_WIDTH = 1 << 20
_MAX_ROWS_PER_BYTE = 250


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading.

    Raises:
        InputError: it is missing or not an HDF5 file.
    """
    if not path.is_file():
        raise InputError(f"the file '{path.name}' does not exist beside the table; correct 'files'")
    try:
        return h5py.File(path, "r", rdcc_nbytes=_CACHE_BYTES)
    except OSError as error:
        raise InputError(
            f"'{path.name}' is not an HDF5 file, or a damaged one; write it again"
        ) from error


def own_member(group: Any, name: str) -> Any:  # noqa: ANN401 - h5py ships no types
    """Return a group's member by its path; None of what is not there or is a link elsewhere."""
    for part in filter(None, name.split("/")):
        if not isinstance(group, h5py.Group):
            return None
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            return None
        group = group.get(part)
    return group


def foreign(data: Any, *, lzf: bool = True) -> str:  # noqa: ANN401 - h5py ships no types
    """Return why a data set's numbers cannot be read from this file alone; empty if they can.

    Args:
        data: the data set.
        lzf: h5py's own compression counts as readable.
    """
    if data.is_virtual or data.external:
        return "lies in another file"
    if data.ndim and data.shape[0] > _MAX_ROWS_PER_BYTE * data.file.id.get_filesize():
        return f"claims {data.shape[0]} rows, which the file cannot hold"
    filters = data.id.get_create_plist()
    allowed = _BUILT_IN | ({_LZF} if lzf else set())
    if any(filters.get_filter(n)[0] not in allowed for n in range(filters.get_nfilters())):
        return f"is compressed by another filter than deflate{' or LZF' if lzf else ''}"
    return ""


def text_blocks(data: Any) -> Iterator[list[str]]:  # noqa: ANN401 - h5py ships no types
    """Yield a one-dimensional data set of texts, bytes or integers as texts, block by block.

    Raises:
        InputError: it holds something else, or bytes that are not UTF-8.
    """
    for first in range(0, data.shape[0], _BLOCK):
        yield _texts(data[first : first + _BLOCK])


def is_text(data: Any) -> bool:  # noqa: ANN401 - h5py ships no types
    """Return whether a data set may hold ids: texts, bytes or integers."""
    return data.dtype.kind in "iuS" or h5py.check_string_dtype(data.dtype) is not None


def _texts(block: npt.NDArray[Any]) -> list[str]:
    if block.dtype.kind in "iu":
        return [str(each) for each in block.tolist()]
    try:
        return [each.decode() if isinstance(each, bytes) else str(each) for each in block.tolist()]
    except UnicodeDecodeError as error:
        raise InputError("an HDF5 file's texts are not UTF-8; write them as UTF-8") from error


def read_vectors(data: Any, rows: Sequence[int]) -> npt.NDArray[np.floating]:  # noqa: ANN401
    """Return `[P, W]` some rows of a data set, in the order asked for; one vector is one row.

    Args:
        data: of shape `[rows, W]` or `[W]`; None of one that is not there.
        rows: ascending.

    Raises:
        RecordError: `unreadable_embedding`.
    """
    try:
        if data.ndim == 1:
            return _native(data[()][None])
        parts = [data[first:stop] for first, stop in _runs(rows)]
        return _native(parts[0] if len(parts) == 1 else np.concatenate(parts))
    except (OSError, KeyError, ValueError, AttributeError, MemoryError) as error:
        raise RecordError(
            "unreadable_embedding",
            f"the vectors cannot be read ({type(error).__name__})",
            advice="write the file again",
        ) from error


def _native(values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and one past the last of each run of neighbouring rows."""
    if rows[-1] - rows[0] == len(rows) - 1:
        yield rows[0], rows[-1] + 1
        return
    places = np.asarray(rows, np.int64)
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    for run in np.split(places, breaks):
        yield int(run[0]), int(run[-1]) + 1


def vectors_problem(data: Any) -> str:  # noqa: ANN401 - h5py ships no types
    """Return what keeps a data set from being embeddings; empty where nothing does."""
    if data.dtype.kind != "f" or data.dtype.itemsize not in {2, 4, 8}:
        return "does not hold floats of 16, 32 or 64 bits"
    if data.ndim not in {1, 2} or not 0 < data.shape[-1] <= _MAX_WIDTH:
        return f"has the shape {data.shape} where [rows, width] is expected"
    return foreign(data)
