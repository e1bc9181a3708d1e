"""MATLAB `.mat` files: one matrix `[leads, samples]` or `[samples, leads]`.

Versions 5 to 7.2 are decoded here, 7.3 (HDF5) by h5py. Rate, unit and leads are declared; the
variable too where several could be the signal. A file of version 4 is how WFDB stores samples
(`16+24` in the header): it is read through its `.hea` file only. Only the one numeric matrix is
loaded; objects, structures and function handles are never built.
"""

from __future__ import annotations

import re
import struct

from components.core.errors import RecordError
from components.core.readers.matlab_5 import read_5
from components.core.readers.matlab_73 import read_73
from components.core.readers.plain_array import (
    declared_leads,
    declared_scale,
    leads_first,
    plain_signal,
)
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.signal import Signal

NAME = "matlab"

_WHAT = "a MATLAB file"
# The 128-byte header of versions from 5 on: text, then version and byte-order mark (MAT-File
# Format, "MAT-File Header Format").
_TEXT = b"MATLAB "
_VERSIONS = {
    b"\x00\x01IM": "5",
    b"\x01\x00MI": "5",
    b"\x00\x02IM": "7.3",
    b"\x02\x00MI": "7.3",
}
# Version 4: type, rows, columns, imaginary flag, length of the name (same source, "Version 4").
_FOUR = struct.Struct("<5I")
_LONGEST_NAME = 64
_NAME = re.compile(rb"[A-Za-z]\w*\0")


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the file starts as a MATLAB file of version 4 or later."""
    return _version(head) is not None


def _version(head: bytes) -> str | None:
    if head.startswith(_TEXT):
        return _VERSIONS.get(head[124:128])
    return "4" if _is_four(head) else None


def _is_four(head: bytes) -> bool:
    if len(head) < _FOUR.size:
        return False
    kind, rows, columns, imaginary, length = _FOUR.unpack_from(head)
    # Tens: precision 0 to 5 of little-endian numbers; the last digit 0 is a full matrix.
    if kind not in range(0, 60, 10) or imaginary > 1 or not 1 < length <= _LONGEST_NAME:
        return False
    name = head[_FOUR.size : _FOUR.size + length]
    return min(rows, columns) > 0 and _NAME.fullmatch(name) is not None


def read(raw: RawFile, declared: Declared) -> Signal:
    """Return the recording; int16 where every value is an integer that fits, else float32.

    Raises:
        RecordError: `not_matlab`, `wfdb_signal_file`, `unreadable_matlab`, `which_variable`,
            `unknown_variable`, `file_too_large`, `undeclared_fs`, `undeclared_unit`,
            `undeclared_leads`, `unknown_unit`, `absurd_fs`, `unknown_lead`, `duplicate_lead`,
            `not_two_dimensional`, `ambiguous_orientation`, `lead_count_mismatch`.
    """
    version = _version(raw.head())
    if version is None:
        raise RecordError(
            "not_matlab",
            "the file has no MATLAB header",
            field="format",
            advice="write it with MATLAB's save or with scipy.io.savemat",
        )
    if version == "4":
        raise RecordError(
            "wfdb_signal_file",
            "the file is a MATLAB 4 file, the form of WFDB's signal files",
            field="format",
            advice="name the .hea file beside it, or save the matrix in version 7",
        )
    scale, leads = declared_scale(declared, _WHAT), declared_leads(declared, _WHAT)
    values = (read_5 if version == "5" else read_73)(raw.data(), declared.key)
    return plain_signal(leads_first(values, leads), leads, scale)
