"""CSV waveforms: one column per lead, one row per sample, lead names in the first line.

Rate and unit cannot stand in such a file: the manifest declares them, and the leads too where the
first line holds numbers already. Columns are separated by comma, semicolon or tab; numbers have a
decimal point, or a decimal comma where that is declared.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as pa_csv

from components.core.errors import RecordError
from components.core.readers.decoding import decode, encoding_of, peek
from components.core.readers.plain_array import (
    declared_leads,
    declared_scale,
    lead_count_mismatch,
    plain_signal,
)
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.leads import canonical_all, find
from components.core.signals.signal import Signal

NAME = "csv"

# Columns that count rows or tell the time; any other that is no lead is refused.
NOT_LEADS = frozenset({"", "time", "time_s", "time_ms", "t", "sample", "samples", "index", "n"})
# The rarest first: in text separated by tabs or semicolons, a comma belongs to the cells.
_DELIMITERS = "\t;,"
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
# pyarrow takes a block's size as a 32-bit integer; a 24 h 12-lead CSV has some 3 GB and is none.
_MAX_BYTES = 2**30
# A first line with more columns than this is no ECG.
_MAX_COLUMNS = 256
# Bytes of a first line: what recognition looks at. A longer one is no list of leads.
_MAX_LINE = 4096

_WHAT = "a CSV waveform"


def sniff(head: bytes, name: str) -> bool:  # noqa: ARG001  (the interface's second argument)
    """Return whether the first line names leads, or the first two hold as many numbers."""
    lines = peek(head).lstrip("\r\n").splitlines()[:2]
    if not lines or "\0" in lines[0] or "�" in lines[0]:
        return False
    first, second = (_columns(line)[0] for line in (lines[0], lines[-1]))
    if len(first) > _MAX_COLUMNS:
        return False
    if any(find(each) is not None for each in first):
        return True
    return len(first) == len(second) > 1 and _is_numbers(first) and _is_numbers(second)


def read(raw: RawFile, declared: Declared) -> Signal:
    """Return the lead columns; int16 where every value is an integer that fits, else float32.

    Raises:
        RecordError: `undeclared_fs`, `undeclared_unit`, `undeclared_leads`, `unknown_unit`,
            `absurd_fs`, `not_text`, `file_too_large`, `unknown_lead`, `duplicate_lead`,
            `lead_order_mismatch`, `lead_count_mismatch`, `no_ecg_leads`, `empty_signal`,
            `decimal_comma`, `unreadable_csv`.
    """
    scale = declared_scale(declared, _WHAT)
    data = raw.data()
    if len(data) > _MAX_BYTES:
        raise RecordError("file_too_large", f"the CSV has {len(data)} bytes", field="path")
    if encoding_of(data) not in ("utf-8", "utf-8-sig"):
        data = decode(data).encode()
    line, start, stop = _first_line(data)
    columns, delimiter = _columns(decode(line))
    if _is_numbers(columns):
        leads, wanted = _unnamed(columns, declared), list(range(len(columns)))
        body = data[start:]
    else:
        leads, wanted = _named(columns, declared)
        body = data[stop:]
    form = _Form(delimiter=delimiter, decimal=declared.decimal, columns=len(columns))
    return plain_signal(_parse(body, form, wanted), leads, scale)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How the rows are written."""

    delimiter: str
    decimal: str
    columns: int


def _named(columns: list[str], declared: Declared) -> tuple[tuple[str, ...], list[int]]:
    """Return the leads that the first line names, and their columns."""
    wanted = [index for index, name in enumerate(columns) if name.casefold() not in NOT_LEADS]
    leads = canonical_all([columns[index] for index in wanted])
    _check_leads(leads, declared)
    return leads, wanted


def _unnamed(columns: list[str], declared: Declared) -> tuple[str, ...]:
    """Return the declared leads of a file whose first line holds numbers already."""
    leads = declared_leads(declared, f"{_WHAT} whose first line holds numbers")
    if len(leads) != len(columns):
        raise lead_count_mismatch(leads, f"{len(columns)} columns")
    return leads


def _is_numbers(columns: list[str]) -> bool:
    return bool(columns) and all(_NUMBER.fullmatch(each) for each in columns)


def _first_line(data: bytes) -> tuple[bytes, int, int]:
    """Return the first line that is not blank, where it begins and where the next one does."""
    found = re.match(rb"(?:\xef\xbb\xbf)?[\r\n]*([^\r\n]*)(?:\r\n|\n|\r|$)", data)
    return (found[1], found.start(1), found.end()) if found else (b"", 0, 0)


def _columns(line: str) -> tuple[list[str], str]:
    """Return the cells of the first line and their delimiter; none of a line beyond bounds."""
    line = line if len(line) <= _MAX_LINE else ""
    delimiter = next((each for each in _DELIMITERS if each in line), ",")
    cells = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    return [cell.strip() for cell in cells], delimiter


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


def _parse(body: bytes, form: _Form, wanted: list[int]) -> npt.NDArray[np.float64]:
    """Return `[leads, samples]`; an empty cell is NaN."""
    if not body.strip():
        raise RecordError("empty_signal", "no row follows the names", field="samples", value=0)
    if form.delimiter == form.decimal:
        raise _decimal_comma("a decimal comma is declared, but commas separate the columns")
    names = [str(index) for index in range(form.columns)]
    kept = [str(index) for index in wanted]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            read_options=pa_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(body) + 1
            ),
            parse_options=pa_csv.ParseOptions(delimiter=form.delimiter),
            convert_options=pa_csv.ConvertOptions(
                include_columns=kept,
                column_types=dict.fromkeys(kept, pa.float64()),
                decimal_point=form.decimal,
            ),
        )
    except pa.ArrowException as error:
        raise _unreadable(body, form, str(error)) from None
    return np.stack([table.column(name).to_numpy() for name in kept])


def _unreadable(body: bytes, form: _Form, message: str) -> RecordError:
    """Return the error without the cell's text, which might name the patient."""
    row = re.search(r"Row #(\d+)", message)
    where = f"row {row[1]}" if row else ""
    if "," not in (form.delimiter, form.decimal) and re.match(rb"[^\r\n]*\d,\d", body):
        return _decimal_comma("the numbers have a decimal comma")
    return RecordError(
        "unreadable_csv",
        f"the rows are not all numbers, one per column{f' (from {where})' if where else ''}",
        field="samples",
        value=where,
        advice=f"write one number with a decimal '{form.decimal}' per lead and row",
    )


def _decimal_comma(reason: str) -> RecordError:
    return RecordError(
        "decimal_comma",
        reason,
        field="samples",
        advice="separate the columns with semicolons and declare decimal=',', "
        "or write the numbers with a decimal point",
    )
