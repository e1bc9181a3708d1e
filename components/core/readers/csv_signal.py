"""CSV waveforms: one column per lead, lead names in the first line, one row per sample.

Rate and unit cannot stand in such a file: the manifest declares them. Columns are separated by
comma, semicolon or tab; numbers have a decimal point.
"""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as pa_csv

from components.core.errors import RecordError
from components.core.readers.decoding import decode, encoding_of, peek
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.leads import canonical_all, find
from components.core.signals.signal import Signal
from components.core.signals.units import DIMENSIONLESS, check_fs, millivolts_per

NAME = "csv"

# Columns that count rows or tell the time; any other that is no lead is refused.
NOT_LEADS = frozenset({"", "time", "time_s", "time_ms", "t", "sample", "samples", "index", "n"})
_DELIMITERS = ",;\t"
# pyarrow takes a block's size as a 32-bit integer; a 24 h 12-lead CSV has some 3 GB and is none.
_MAX_BYTES = 2**30
# A first line with more columns than this is no ECG.
_MAX_COLUMNS = 256
# Characters of a first line: what recognition looks at. A longer one is no list of leads.
_MAX_LINE = 4096
_INT16 = np.iinfo(np.int16)


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the first line is a list of columns among which are lead names."""
    text = peek(head)
    if "\0" in text or "�" in text.partition("\n")[0]:
        return False
    columns = _columns(text)[0]
    return len(columns) <= _MAX_COLUMNS and any(find(each) is not None for each in columns)


def read(raw: RawFile, declared: Declared) -> Signal:
    """Return the lead columns; int16 where every value is an integer that fits, else float32.

    Raises:
        RecordError: `undeclared_fs`, `undeclared_unit`, `unknown_unit`, `absurd_fs`, `not_text`,
            `file_too_large`, `unknown_lead`, `duplicate_lead`, `lead_order_mismatch`,
            `no_ecg_leads`, `empty_signal`, `decimal_comma`, `unreadable_csv`.
    """
    fs, scale, unit = _declared(declared)
    data = raw.data()
    if len(data) > _MAX_BYTES:
        raise RecordError("file_too_large", f"the CSV has {len(data)} bytes", field="path")
    if encoding_of(data) not in ("utf-8", "utf-8-sig"):
        data = decode(data).encode()
    line, body = _split(data)
    columns, delimiter = _columns(decode(line))
    wanted = [index for index, name in enumerate(columns) if name.casefold() not in NOT_LEADS]
    leads = canonical_all([columns[index] for index in wanted])
    _check_leads(leads, declared)
    values = _store(_parse(body, delimiter, len(columns), wanted))
    # Counts keep their scale beside them; floats carry it in the values.
    whole = values.dtype == np.int16
    return Signal(
        values=values if whole else values * np.float32(scale),
        fs=fs,
        leads=leads,
        unit=unit,
        lsb=np.full(len(leads), scale if whole else 1.0),
        offset=np.zeros(len(leads)),
    )


def _declared(declared: Declared) -> tuple[float, float, str]:
    """Return rate in Hz, scale to the signal's unit, and that unit."""
    if declared.fs is None:
        raise _undeclared("fs", "sampling rate", "fs=500")
    if declared.unit is None:
        raise _undeclared("unit", "unit", "unit=mV (or uV, V, or z for standardised values)")
    if declared.unit == DIMENSIONLESS:
        return check_fs(declared.fs), 1.0, DIMENSIONLESS
    return check_fs(declared.fs), millivolts_per(declared.unit), "mV"


def _undeclared(field: str, what: str, example: str) -> RecordError:
    return RecordError(
        f"undeclared_{field}",
        f"a CSV waveform cannot say its {what}",
        field=field,
        advice=f"declare it for the source or in the manifest, e.g. {example}",
    )


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Return the first line that is not blank, and what follows it."""
    found = re.match(rb"(?:\xef\xbb\xbf)?[\r\n]*([^\r\n]*)(?:\r\n|\n|\r|$)", data)
    return (found[1], data[found.end() :]) if found else (b"", data)


def _columns(text: str) -> tuple[list[str], str]:
    """Return the first line's column names and their delimiter."""
    lines = text.lstrip("\r\n").splitlines()
    line = lines[0] if lines and len(lines[0]) <= _MAX_LINE else ""
    delimiter = max(_DELIMITERS, key=line.count)
    names = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    return [name.strip() for name in names], delimiter


def _check_leads(leads: tuple[str, ...], declared: Declared) -> None:
    if not leads:
        raise RecordError("no_ecg_leads", "the first line names no ECG lead", field="leads")
    if declared.leads is None or canonical_all(declared.leads) == leads:
        return
    raise RecordError(
        "lead_order_mismatch",
        f"declared are {', '.join(declared.leads)}, the first line has {', '.join(leads)}",
        field="leads",
        value=", ".join(leads),
        advice="correct the declaration or leave it out",
    )


def _parse(body: bytes, delimiter: str, columns: int, wanted: list[int]) -> npt.NDArray[np.float64]:
    """Return `[leads, samples]`; an empty cell is NaN."""
    if not body.strip():
        raise RecordError("empty_signal", "no row follows the names", field="samples", value=0)
    names = [str(index) for index in range(columns)]
    kept = [str(index) for index in wanted]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            read_options=pa_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(body) + 1
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter),
            convert_options=pa_csv.ConvertOptions(
                include_columns=kept, column_types=dict.fromkeys(kept, pa.float64())
            ),
        )
    except pa.ArrowException as error:
        raise _unreadable(body, delimiter, str(error)) from None
    return np.stack([table.column(name).to_numpy() for name in kept])


def _unreadable(body: bytes, delimiter: str, message: str) -> RecordError:
    """Return the error without the cell's text, which might name the patient."""
    row = re.search(r"Row #(\d+)", message)
    where = f"row {row[1]}" if row else ""
    if delimiter != "," and re.match(rb"[^\r\n]*\d,\d", body):
        return RecordError(
            "decimal_comma",
            "the numbers have a decimal comma",
            field="samples",
            advice="write them with a decimal point",
        )
    return RecordError(
        "unreadable_csv",
        f"the rows are not all numbers, one per column{f' (from {where})' if where else ''}",
        field="samples",
        value=where,
        advice="write one number with a decimal point per lead and row",
    )


def _store(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int16] | npt.NDArray[np.float32]:
    # NaN and infinity fail both comparisons, so they stay floats.
    fits = bool((values >= _INT16.min).all() and (values <= _INT16.max).all())
    if fits:
        counts = values.astype(np.int16)
        if np.array_equal(counts, values):
            return counts
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
