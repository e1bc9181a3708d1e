"""The `wfdb` package for what is not decoded here, in a private folder without the comments."""

from __future__ import annotations

import importlib
import math
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, StorageError
from components.core.readers.decoding import decode
from components.core.readers.rawfile import RawFile
from components.core.readers.wfdb_header import (
    Header,
    SignalLine,
    bad_header,
    check_sum,
    content_lines,
    file_name,
    parse_header,
)

# Bytes per sample of each storage format (signal(5) of the WFDB guide).
_BYTES = {"8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0,
          "212": 1.5, "310": 4 / 3, "311": 4 / 3}  # fmt: skip
# The most negative code of each means "no sample here" (same guide); format 8 has none.
_NO_VALUE = {"16": -(2**15), "24": -(2**23), "32": -(2**31), "61": -(2**15), "80": -(2**7),
             "160": -(2**15), "212": -(2**11), "310": -(2**9), "311": -(2**9), "508": -(2**7),
             "516": -(2**15), "524": -(2**23)}  # fmt: skip
# FLAC-compressed formats; a flat line compresses hardly beyond this many samples per byte.
_COMPRESSED = frozenset({"508", "516", "524"})
_MAX_SAMPLES_PER_BYTE = 1000
# 1 GB as float64, the package's working form: a 12-lead hour at 1 kHz is a third of it.
_MAX_SAMPLES = 125_000_000
_MAX_SEGMENTS = 2000


@dataclass(frozen=True, eq=False)
class PackageRecord:
    """What the package read: one array `[samples]` in physical units for each signal line."""

    signals: tuple[SignalLine, ...]
    values: tuple[npt.NDArray[np.float64], ...]


@cache
def package() -> Any:  # noqa: ANN401  (a module without stubs)
    """Return the `wfdb` module, imported on first use: it takes half a second."""
    with warnings.catch_warnings():
        # Its tables are built by a pandas call that pandas 3.1 deprecates.
        warnings.simplefilter("ignore")
        return importlib.import_module("wfdb")


def read(raw: RawFile, header: Header) -> PackageRecord:
    """Return the record that `raw` is the header of; NaN where it has no sample.

    Raises:
        RecordError: `unreadable_wfdb`, `unsupported_format`, `length_mismatch`, `bad_header`,
            `record_too_large`, `missing_file`.
        StorageError: the temporary folder cannot be written.
    """
    parts = _parts(raw, header)
    files = _bare_headers(raw, parts)
    for part in parts.values():
        files.update(_signal_files(raw, part))
    try:
        with tempfile.TemporaryDirectory(prefix="wfdb-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            return _load(folder, header, parts)
    except OSError as error:
        raise StorageError(
            f"the temporary folder for a WFDB record cannot be written ({error.strerror}); "
            "free disk space or set TMPDIR"
        ) from None


def _parts(raw: RawFile, header: Header) -> dict[str, Header]:
    """Return the headers of the segments, or the record's own as its only part."""
    if not header.segments:
        return {"": header}
    names = dict.fromkeys(name for name in header.segments if name != "~")
    if not 1 <= len(names) <= _MAX_SEGMENTS:
        raise bad_header(f"{len(names)} segments, not 1 to {_MAX_SEGMENTS}", "segments")
    parts = {name: parse_header(raw.sibling(f"{name}.hea").data()) for name in names}
    if any(part.segments or any(line.frame != 1 for line in part.signals)
           for part in parts.values()):  # fmt: skip
        raise RecordError(
            "unsupported_format",
            "the segments have segments or frames of several samples",
            field="segments",
            advice="convert the record to a single segment (xform of the WFDB tools)",
        )
    return parts


def _bare_headers(raw: RawFile, parts: dict[str, Header]) -> dict[str, bytes]:
    """Return the headers without their comments, which may name the patient."""
    sources = {"record.hea": raw, **{f"{n}.hea": raw.sibling(f"{n}.hea") for n in parts if n}}
    bare: dict[str, bytes] = {}
    for name, source in sources.items():
        lines = list(content_lines(decode(source.data(), otherwise="latin-1")))
        bare[name] = ("\n".join(lines) + "\n").encode()
    return bare


def _signal_files(raw: RawFile, part: Header) -> dict[str, bytes]:
    """Return the signal files of a part, each large enough for what the header states."""
    files: dict[str, bytes] = {}
    for line in part.signals:
        if line.file == "~":
            continue
        if line.file not in files:
            files[file_name(line.file)] = raw.sibling(line.file).data()
    for name, content in files.items():
        _check_size(part, name, len(content))
    return files


def _check_size(part: Header, name: str, size: int) -> None:
    lines = [line for line in part.signals if line.file == name]
    kinds = {line.format for line in lines}
    if len(kinds) != 1 or not kinds <= _BYTES.keys() | _COMPRESSED:
        raise RecordError(
            "unsupported_format",
            f"{name} is stored in format {', '.join(sorted(kinds))}",
            field="format",
            advice="convert the record to format 16",
        )
    kind = kinds.pop()
    stated = part.samples if part.samples is not None else 0
    total = stated * sum(line.frame for line in lines)
    if total > _MAX_SAMPLES or size > _MAX_SAMPLES * 4:
        raise RecordError("record_too_large", f"{name} holds {total} samples", field="samples")
    room = (
        (size - lines[0].at) * _MAX_SAMPLES_PER_BYTE
        if kind in _COMPRESSED
        else math.floor((size - lines[0].at) / _BYTES[kind] + 0.5)
    )
    if total > room or size <= lines[0].at:
        raise RecordError(
            "length_mismatch",
            f"the header states {total} samples in {name}, which has {size} bytes",
            field="samples",
            value=total,
            advice="fetch the record again: file or header is damaged",
        )


def _load(folder: str, header: Header, parts: dict[str, Header]) -> PackageRecord:
    wfdb, path = package(), str(Path(folder) / "record")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if header.segments:
                return _joined(wfdb.rdrecord(path), parts)
            record = wfdb.rdrecord(path, physical=False, smooth_frames=False)
            counts = tuple(np.asarray(each, np.int64) for each in record.e_d_signal)
    except Exception as error:  # noqa: BLE001  (a damaged file can raise anything in there)
        raise RecordError(
            "unreadable_wfdb",
            f"the wfdb package cannot read the record ({type(error).__name__})",
            field="file",
            advice="fetch the record again, or convert it to a single segment in format 16",
        ) from None
    pairs = tuple(zip(header.signals, counts, strict=True))
    return PackageRecord(header.signals, tuple(_physical(line, each) for line, each in pairs))


def _joined(
    record: Any,  # noqa: ANN401  (a class without stubs)
    parts: dict[str, Header],
) -> PackageRecord:
    """Return a multi-segment record, which the package joins in physical units only."""
    known = {line.name: line for part in parts.values() for line in part.signals}
    values = tuple(np.asarray(record.p_signal, np.float64).T)
    return PackageRecord(tuple(known[name] for name in record.sig_name), values)


def _physical(line: SignalLine, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return `[samples]` in the signal's unit, the counts checked against their sum."""
    # The package realigns a skewed signal and fills its end, so the file's sum is lost.
    if line.skew == 0:
        check_sum(line, int(counts.sum()))
    gain = line.gain if line.gain > 0 else math.nan
    values = (counts - line.baseline) / gain
    values[counts == _NO_VALUE.get(line.format)] = np.nan
    return values
