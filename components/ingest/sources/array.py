"""`array`: signals in one `.npy`/`.npz` `[record, lead, time]`, labels in a CSV, row for row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from components.core import cells, tables
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError, nearest, quoted
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
        lsb: what one stored number is in that unit, where the file holds a device's counts.
        leads: order of the second axis.
        label: column with 0 or 1.
        label_values: word in that column → 0 or 1, where it holds words; any other is refused.
        negate: True where 1 in that column means "no event", so that 1 becomes the event.
        patient_id: column; empty makes every row its own patient, and the card says so.
        group_identical: True gives records of identical samples one patient, where nobody says who
            the patients are: ingest keeps one copy, and no split can hold two.
        record_id: column; empty numbers the rows.
        split: column with train, val or test, or empty.
        tabular: feature column → `numeric` or `categorical`.
    """

    signals: str
    fs: float = Field(gt=0)
    unit: str
    lsb: float = Field(default=1.0, gt=0)
    leads: tuple[str, ...] = Field(min_length=1)
    label: str
    label_values: dict[str, Literal[0, 1]] = Field(default_factory=dict[str, Literal[0, 1]])
    negate: bool = False
    key: str = ""
    group_identical: bool = False
    patient_id: str = ""
    record_id: str = ""
    split: str = ""
    tabular: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        if self.group_identical and self.patient_id:
            raise ValueError("group_identical stands in for patients; leave patient_id empty")
        return self


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
    same = _identical(signals, options.key) if options.group_identical else {}
    given = _labels_of_groups(path, options, same)
    number, seen = -1, dict[str, int]()
    for number, (line, row) in enumerate(rows):
        if number >= count:
            raise InputError(f"'{path.name}' has more rows than '{options.signals}' has records")
        try:
            tables.check_width(row, header)
            ecg = ArrayRef(path=signals, row=number, declared=declared, key=options.key,
                           lsb=options.lsb)  # fmt: skip
            record = _record(row, line, options, ecg)
            if number in same:
                record = _in_group(record, same[number], given)
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


def _identical(file: Path, key: str) -> dict[int, str]:
    """Return row → name of its group, of the rows whose samples another row has, too."""
    data = load_array(file, key)
    rows: dict[bytes, list[int]] = {}
    for number in range(data.shape[0]):
        content = np.ascontiguousarray(data[number]).tobytes()
        rows.setdefault(hashlib.sha256(content).digest(), []).append(number)
    groups = [own for own in rows.values() if len(own) > 1]
    return {number: f"same-{own[0] + 1}" for own in groups for number in own}


def _labels_of_groups(
    path: Path, options: Options, same: dict[int, str]
) -> dict[str, set[str | None]]:
    """Return the labels that the records of each group have, as they are written."""
    found: dict[str, set[str | None]] = {}
    for number, (_, row) in enumerate(tables.open_table(path)[1]) if same else ():
        if number in same:
            found.setdefault(same[number], set()).add(cells.text(row, options.label))
    return found


def _in_group(record: Record, group: str, given: dict[str, set[str | None]]) -> Record:
    if len(given[group]) > 1:
        raise RecordError(
            "conflicting_labels", "records of identical samples have different labels",
            field="label", advice="keep the label that is right, or leave both empty",
        )  # fmt: skip
    return replace(record, patient_id=group)


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


def _label(row: tables.Row, options: Options) -> int | None:
    if not options.label_values:
        return cells.label(row, options.label)
    word = cells.text(row, options.label)
    if word is not None and word not in options.label_values:
        raise RecordError(
            "label_not_binary", f"the label in '{options.label}' is none of those declared",
            field=options.label, value=quoted(word),
            advice=nearest(word, options.label_values),
        )  # fmt: skip
    return None if word is None else options.label_values[word]


def _record(row: tables.Row, line: int, options: Options, ecg: ArrayRef) -> Record:
    found = _label(row, options)
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
