"""MATLAB files of versions 5 to 7.2, through SciPy, unpacked within bounds beforehand."""

from __future__ import annotations

import importlib
import io
import struct
import warnings
import zlib
from functools import cache
from typing import Any

import numpy as np

from components.core.errors import RecordError
from components.core.readers.matlab_variables import (
    Variable,
    bound,
    choose,
    too_large,
    unreadable,
)
from components.core.readers.plain_array import Numbers

# Data types of the format's tags ("MAT-File Data Types").
_MATRIX, _COMPRESSED = 14, 15
_HEADER_BYTES = 128
_TAG_BYTES = 8


@cache
def _scipy_io() -> Any:  # noqa: ANN401  (imported on first use: it takes a tenth of a second)
    return importlib.import_module("scipy.io")


def read_5(data: bytes, key: str | None) -> Numbers:
    """Return the signal's matrix as it stands in the file.

    Raises:
        RecordError: `unreadable_matlab`, `file_too_large`, `which_variable`, `unknown_variable`.
    """
    plain = io.BytesIO(_unpacked(data))
    try:
        with warnings.catch_warnings():
            # Of duplicate names, which `choose` refuses, and of variables that are not wanted.
            warnings.simplefilter("ignore")
            listed = _scipy_io().whosmat(plain)
            found = choose([Variable(name=n, shape=s, kind=k) for n, s, k in listed], key)
            plain.seek(0)
            values = _scipy_io().loadmat(plain, variable_names=[found.name], spmatrix=False)
            matrix = np.asarray(values[found.name])
    except RecordError:
        raise
    except Exception as error:  # noqa: BLE001  (a damaged file can raise anything in there)
        raise unreadable(type(error).__name__) from None
    if matrix.dtype.kind not in "iuf":
        raise unreadable(f"{found.name} holds {matrix.dtype.name} numbers, not real ones")
    return matrix


def _unpacked(data: bytes) -> bytes:
    """Return the file with its compressed variables unpacked, so that no tag can claim more."""
    tag = struct.Struct("<II" if data[126:128] == b"IM" else ">II")
    budget = bound(len(data))
    parts, at = [data[:_HEADER_BYTES]], _HEADER_BYTES
    while at < len(data):
        if len(data) < at + _TAG_BYTES:
            raise unreadable("it ends within a tag")
        kind, size = tag.unpack_from(data, at)
        stop = at + _TAG_BYTES + size
        if stop > len(data):
            raise unreadable("it ends within a variable")
        body = data[at + _TAG_BYTES : stop]
        part = _inflated(body, budget, tag) if kind == _COMPRESSED else data[at:stop]
        budget -= len(part)
        parts.append(part)
        at = stop
    return b"".join(parts)


def _inflated(body: bytes, budget: int, tag: struct.Struct) -> bytes:
    """Return one variable, checked to be a single matrix: a compressed one could nest for ever."""
    inflater = zlib.decompressobj()
    try:
        part = inflater.decompress(body, max(1, budget))
    except zlib.error:
        raise unreadable("a compressed variable is damaged") from None
    if inflater.unconsumed_tail:
        raise too_large(len(part))
    is_whole = inflater.eof and len(part) >= _TAG_BYTES
    if not is_whole or tag.unpack_from(part) != (_MATRIX, len(part) - _TAG_BYTES):
        raise unreadable("a compressed variable is not one whole matrix")
    return part
