"""NumPy `.npy` files: one recording, `[leads, samples]` or `[samples, leads]`.

Rate, unit and leads are declared. The header's type and shape are compared with the file's size
before anything is made of them, and Python objects are never unpickled. The layout is that of
NumPy Enhancement Proposal 1.
"""

from __future__ import annotations

import io
import math
import tokenize
import warnings

import numpy as np
from numpy.lib import format as npy_format

from components.core.errors import RecordError
from components.core.readers.plain_array import (
    Numbers,
    declared_leads,
    declared_scale,
    leads_first,
    plain_signal,
)
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.signal import Signal

NAME = "npy"

_WHAT = "an .npy file"
_MAGIC = b"\x93NUMPY"
# An .npz is a zip archive whose members are .npy files; its first member's name lies here.
_ZIP, _ZIP_NAME = b"PK\x03\x04", slice(30, 600)
# A header of two dimensions has 128 bytes; NumPy itself writes up to 10,000.
_MAX_HEADER = 10_000
_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the file starts as an `.npy`, or as an `.npz`, which `read` refuses."""
    return head.startswith(_MAGIC) or _is_npz(head)


def _is_npz(head: bytes) -> bool:
    return head.startswith(_ZIP) and b".npy" in head[_ZIP_NAME]


def read(raw: RawFile, declared: Declared) -> Signal:
    """Return the recording; int16 where every value is an integer that fits, else float32.

    Raises:
        RecordError: `npz_archive`, `bad_npy_header`, `unsupported_dtype`, `length_mismatch`,
            `undeclared_fs`, `undeclared_unit`, `undeclared_leads`, `unknown_unit`, `absurd_fs`,
            `unknown_lead`, `duplicate_lead`, `not_two_dimensional`, `ambiguous_orientation`,
            `lead_count_mismatch`.
    """
    if _is_npz(raw.head()):
        raise RecordError(
            "npz_archive",
            "the file is an .npz archive of arrays, not one recording",
            field="format",
            advice="use source=array for many recordings, or save this one as .npy",
        )
    scale, leads = declared_scale(declared, _WHAT), declared_leads(declared, _WHAT)
    return plain_signal(leads_first(_array(raw.data()), leads), leads, scale)


def _array(data: bytes) -> Numbers:
    """Return the array as a view of `data`."""
    shape, is_fortran, dtype, start = _header(data)
    # Longer floats differ between machines; booleans, texts, records and times are no signal.
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise RecordError(
            "unsupported_dtype",
            "the array does not hold real numbers of at most 64 bits",
            field="dtype",
            value=dtype.kind,
            advice="save the signal as int16 or float32",
        )
    needed, found = math.prod(shape) * dtype.itemsize, len(data) - start
    if needed != found or min(shape, default=0) < 0:
        raise RecordError(
            "length_mismatch",
            f"the header's shape takes {needed} bytes, {found} follow it",
            field="shape",
            value="x".join(map(str, shape)),
            advice="save the array again",
        )
    flat = np.frombuffer(data, dtype, offset=start)
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[np.generic], int]:
    """Return shape, whether the first index runs fastest, type, and where the numbers start."""
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            # Headers of Python 2, and odd escapes in a damaged one.
            warnings.simplefilter("ignore")
            read_header = _HEADERS[npy_format.read_magic(stream)]
            shape, is_fortran, dtype = read_header(stream, max_header_size=_MAX_HEADER)
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError,
            OverflowError, UnicodeError, tokenize.TokenError) as error:  # fmt: skip
        raise RecordError(
            "bad_npy_header",
            f"the .npy header cannot be read ({type(error).__name__})",
            field="header",
            advice="save the array again with numpy.save",
        ) from None
    return shape, is_fortran, dtype, stream.tell()
