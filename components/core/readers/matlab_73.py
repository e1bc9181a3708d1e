"""MATLAB files of version 7.3: HDF5 with a MATLAB header before it.

MATLAB writes columns first, so HDF5 shows a matrix transposed. Only data sets that lie in the file
itself, at its root, are looked at: links and virtual or external storage could lead to other files
of the machine.
"""

from __future__ import annotations

import io
import math
from typing import Any

import h5py
import numpy as np

from components.core.errors import RecordError
from components.core.readers.hdf5 import foreign
from components.core.readers.matlab_variables import (
    Variable,
    bound,
    choose,
    too_large,
    unreadable,
)
from components.core.readers.plain_array import Numbers


def read_73(data: bytes, key: str | None) -> Numbers:
    """Return the signal's matrix as MATLAB shows it.

    Raises:
        RecordError: `unreadable_matlab`, `file_too_large`, `which_variable`, `unknown_variable`.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            found = choose([_variable(str(name), file) for name in file], key)
            return _matrix(file[found.name], bound(len(data)))
    except RecordError:
        raise
    except Exception as error:  # noqa: BLE001  (a damaged file can raise anything in there)
        raise unreadable(type(error).__name__) from None


def _variable(name: str, file: Any) -> Variable:  # noqa: ANN401  (h5py ships no types)
    is_own = isinstance(file.get(name, getlink=True), h5py.HardLink)
    found = file.get(name) if is_own else None
    if not isinstance(found, h5py.Dataset) or "MATLAB_empty" in found.attrs:
        return Variable(name=name, shape=(), kind="not numeric")
    kind = found.attrs.get("MATLAB_class", b"no class")
    text = kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)
    # Complex numbers are records of two, logical ones small integers with their own class.
    is_plain = found.dtype.kind in "iuf" and found.dtype.itemsize <= 8
    return Variable(name=name, shape=found.shape[::-1], kind=text if is_plain else "not real")


def _matrix(found: Any, most: int) -> Numbers:  # noqa: ANN401  (h5py ships no types)
    if reason := foreign(found, lzf=False):
        raise unreadable(f"the matrix {reason}")
    # HDF5 allocates whole chunks, which may be larger than the matrix.
    for shape in (found.shape, found.chunks or ()):
        size = math.prod(shape) * found.dtype.itemsize
        if size > most:
            raise too_large(size)
    return np.asarray(found[()]).T
