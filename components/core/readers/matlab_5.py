"""MATLAB files of versions 5 to 7.2: the numeric matrices, decoded here.

SciPy reads these files too, but a damaged one can end the whole process in its compiled code. The
layout is that of "MAT-File Format" (The MathWorks), chapter "Level 5 MAT-File Format": elements
with a tag, a matrix being flags, dimensions, name and values in elements of their own.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from components.core.readers.matlab_variables import (
    Variable,
    bound,
    choose,
    too_large,
    unreadable,
)
from components.core.readers.plain_array import Numbers

_HEADER_BYTES = 128
_TAG_BYTES = 8
# Data types of the tags; values are stored in the smallest that holds them.
# Dimensions are signed by the standard; some writers say unsigned.
_DIMENSIONS, _MATRIX, _COMPRESSED = (5, 6), 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
# Array classes; numbers beyond 15 are function handles and opaque objects.
_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single",
            8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32",
            14: "int64", 15: "uint64"}  # fmt: skip
_IS_COMPLEX, _IS_LOGICAL = 0x0800, 0x0200


@dataclass(frozen=True, kw_only=True)
class _Matrix:
    """A variable and where its values' element begins in the body of its own element."""

    variable: Variable
    body: bytes
    values_at: int


@dataclass(frozen=True, kw_only=True)
class _Element:
    """One element: its data type, its data `[start, stop)` and where the next one begins."""

    kind: int
    start: int
    stop: int
    following: int


def read_5(data: bytes, key: str | None) -> Numbers:
    """Return the signal's matrix in the type that it is stored in.

    Raises:
        RecordError: `unreadable_matlab`, `file_too_large`, `which_variable`, `unknown_variable`.
    """
    order = "<" if data[126:128] == b"IM" else ">"
    matrices = [_matrix(body, order) for body in _bodies(data, order)]
    chosen = choose([each.variable for each in matrices], key)
    return _values(next(each for each in matrices if each.variable is chosen), order)


def _bodies(data: bytes, order: str) -> Iterator[bytes]:
    """Yield the content of each variable's element, unpacked within the file's bound."""
    budget, at = bound(len(data)), _HEADER_BYTES
    while at < len(data):
        element = _element(data, at, order)
        body = data[element.start : element.stop]
        # A compressed element is not padded to whole tags, unlike all others.
        at = element.stop if element.kind == _COMPRESSED else element.following
        if element.kind == _COMPRESSED:
            part = _inflated(body, budget)
            element = _element(part, 0, order)
            body = part[element.start : element.stop]
        if element.kind != _MATRIX:
            raise unreadable("it holds something else than variables")
        budget -= len(body)
        yield body


def _inflated(body: bytes, budget: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        part = inflater.decompress(body, max(1, budget))
    except zlib.error:
        raise unreadable("a compressed variable is damaged") from None
    if inflater.unconsumed_tail:
        raise too_large(len(part))
    if not inflater.eof:
        raise unreadable("a compressed variable ends early")
    return part


def _element(data: bytes, at: int, order: str) -> _Element:
    """Return the element at `at`; one of up to four bytes has its size in the type's upper half."""
    if at + _TAG_BYTES > len(data):
        raise unreadable("it ends within a tag")
    kind, size = struct.unpack_from(f"{order}II", data, at)
    start, small = at + _TAG_BYTES, kind >> 16
    if small:
        kind, size, start = kind & 0xFFFF, min(small, 4), at + 4
    stop = start + size
    if stop > len(data):
        raise unreadable("it ends within a variable")
    following = at + _TAG_BYTES if small else stop + -size % _TAG_BYTES
    return _Element(kind=kind, start=start, stop=stop, following=following)


def _matrix(body: bytes, order: str) -> _Matrix:
    flags = _element(body, 0, order)
    if flags.stop - flags.start < 4:
        raise unreadable("a variable has no flags")
    (word,) = struct.unpack_from(f"{order}I", body, flags.start)
    sizes = _element(body, flags.following, order)
    if sizes.kind not in _DIMENSIONS:  # opaque objects have their name here
        variable = Variable(name=_name(body, sizes), shape=(), kind="opaque")
        return _Matrix(variable=variable, body=body, values_at=len(body))
    count = (sizes.stop - sizes.start) // 4
    shape = struct.unpack_from(f"{order}{count}i", body, sizes.start)
    named = _element(body, sizes.following, order)
    name = _name(body, named)
    # MATLAB keeps what its function handles need in a nameless matrix of bytes.
    variable = Variable(name=name, shape=shape, kind=_kind(word) if name else "workspace")
    return _Matrix(variable=variable, body=body, values_at=named.following)


def _name(body: bytes, element: _Element) -> str:
    return body[element.start : element.stop].decode("latin-1")


def _kind(word: int) -> str:
    kind = _CLASSES.get(word & 0xFF, "function or object")
    if word & _IS_LOGICAL:
        return "logical"
    return f"complex {kind}" if word & _IS_COMPLEX else kind


def _values(matrix: _Matrix, order: str) -> Numbers:
    shape, body = matrix.variable.shape, matrix.body
    element = _element(body, matrix.values_at, order)
    if element.kind not in _TYPES:
        raise unreadable("the values' type is not numeric")
    dtype = np.dtype(order + _TYPES[element.kind])
    count = math.prod(shape)
    if min(shape) < 0 or count * dtype.itemsize != element.stop - element.start:
        raise unreadable("the matrix has another number of values than its dimensions say")
    return np.frombuffer(body, dtype, count, element.start).reshape(shape, order="F")
