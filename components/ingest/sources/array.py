"""`array`: signals in one `.npy`/`.npz` `[record, lead, time]`, labels in a CSV, row for row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field

from components.core import cells, tables
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError
from components.core.readers.registry import Declared
from components.ingest.records import ArrayRef, Record, Reject

NAME = "array"


class Options(Frozen):
    """What an array cannot say of itself.

    Attributes:
        signals: file beside the CSV.
        key: name inside an `.npz`; empty for `.npy`.
        fs: sampling rate in Hz.
        unit: `mV`, `uV`, … or `z` for standardised signals.
        leads: order of the second axis.
        label: column with 0 or 1.
        negate: True where 1 in that column means "no event", so that 1 becomes the event.
        patient_id: column; empty makes every row its own patient, and the card says so.
        record_id: column; empty numbers the rows.
        split: column with train, val or test, or empty.
        tabular: feature column → `numeric` or `categorical`.
    """

    signals: str
    fs: float = Field(gt=0)
    unit: str
    leads: tuple[str, ...] = Field(min_length=1)
    label: str
    negate: bool = False
    key: str = ""
    patient_id: str = ""
    record_id: str = ""
    split: str = ""
    tabular: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row of the CSV `path`.

    Raises:
        InputError: a file is missing, the array is not `[record, lead, time]`, its lead axis is
            not as declared, or it has not as many records as the CSV has rows.
    """
    header, rows = tables.open_table(path)
    named = (options.label, options.patient_id, options.record_id, options.split)
    tables.require(header, [*named, *options.tabular], path.name)
    signals = path.parent / options.signals
    count = _check_array(signals, options)
    declared = Declared(fs=options.fs, unit=options.unit, leads=options.leads)
    number, seen = -1, dict[str, int]()
    for number, (line, row) in enumerate(rows):
        if number >= count:
            raise InputError(f"'{path.name}' has more rows than '{options.signals}' has records")
        try:
            tables.check_width(row, header)
            ecg = ArrayRef(path=signals, row=number, declared=declared, key=options.key)
            record = _record(row, line, options, ecg)
            cells.unique(record.record_id, line, seen, field=options.record_id or "row")
            yield record
        except RecordError as error:
            yield Reject.of(error, file=path.name, row=line)
    if number + 1 != count:
        raise InputError(
            f"'{path.name}' has {number + 1} rows, '{options.signals}' has {count} records; "
            "they must match row for row"
        )


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the tabular features and their kinds."""
    del path
    return options.tabular


def _check_array(file: Path, options: Options) -> int:
    data = load_array(file, options.key)
    if data.ndim != 3 or data.shape[1] != len(options.leads):
        raise InputError(
            f"'{file.name}' has shape {data.shape}; [record, {len(options.leads)} leads, time] "
            "was declared"
        )
    return int(data.shape[0])


def load_array(file: Path, key: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Return an array file, memory-mapped where it is an `.npy`; never unpickles.

    Raises:
        InputError: the file is missing, no array, or holds Python objects.
    """
    if not file.is_file():
        raise InputError(f"the array '{file.name}' does not exist beside the table")
    try:
        if key:
            with np.load(file, allow_pickle=False) as archive:
                return archive[key]
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise InputError(f"the array '{file.name}' cannot be read: {_why(error)}") from error


def _why(error: Exception) -> str:
    """Return the reason without the file's own words, which numpy may quote."""
    if "object" in str(error).casefold():
        return "it holds Python objects; save it as numbers"
    if isinstance(error, KeyError):
        return "it has no array of that name; correct the option 'key'"
    return f"it is damaged or no numpy file ({type(error).__name__}); save it again"


def _record(row: tables.Row, line: int, options: Options, ecg: ArrayRef) -> Record:
    found = cells.label(row, options.label)
    value = 1 - found if found is not None and options.negate else found
    name = cells.text(row, options.record_id) if options.record_id else None
    patient = cells.required(row, options.patient_id) if options.patient_id else f"row-{line}"
    return Record(
        record_id=name or f"row-{line}",
        patient_id=patient,
        row=line,
        label=value,
        given_split=cells.split(row, options.split) if options.split else None,
        tabular=cells.features(row, options.tabular),
        ecg=ecg,
        file=options.signals,
    )
