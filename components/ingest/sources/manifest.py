"""`manifest`: a CSV that names one ECG file per row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from components.core import cells, tables
from components.core.errors import InputError, RecordError
from components.core.readers.registry import Declared
from components.core.schemas import MANIFEST_TIMES, PATH_COLUMNS
from components.ingest.records import FileRef, Record, Reject
from components.ingest.sources.measurements import (
    Measurement,
    MeasurementOptions,
    read_measurements,
)

NAME = "manifest"
# Columns that have a meaning of their own; any other is a declared feature, or not used.
COLUMNS = (
    "patient_id", *PATH_COLUMNS, "label", "recording_id", "site", "split", *MANIFEST_TIMES,
    "ecg_fs", "ecg_unit", "ecg_leads",
)  # fmt: skip


class Options(MeasurementOptions):
    """What a manifest needs to be told.

    Attributes:
        tabular: feature → `numeric` or `categorical`. Columns that the manifest lacks are left
            out and listed; columns that are not declared are never used as features.
        tabular_times: feature → column with the time at which it became known; the audit refuses
            features that are later than `index_time`.
        fs: sampling rate in Hz of formats that cannot say it, unless a row has `ecg_fs`.
        unit: likewise, unless a row has `ecg_unit`.
        leads: likewise, unless a row has `ecg_leads` (separated by `;`).
        key: name of the variable that holds the signal, where MATLAB files have several, unless
            a row has `ecg_key`.
        decimal: decimal mark of CSV waveforms.
        Serial measurements: see `MeasurementOptions`; the label may come from them.
    """

    tabular: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])
    tabular_times: dict[str, str] = Field(default_factory=dict[str, str])
    fs: float | None = None
    unit: str = ""
    leads: tuple[str, ...] = ()
    key: str = ""
    decimal: Literal[".", ","] = "."


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row.

    Args:
        path: the manifest, or a folder that holds `manifest.csv`. Files are relative to its folder.
        options: see `Options`.

    Raises:
        InputError: the manifest is missing, empty, unreadable, or lacks a column.
    """
    manifest = manifest_file(path)
    header, rows = tables.open_table(manifest)
    tables.require(header, ["patient_id"], manifest.name)
    path_column = _path_column(header, manifest.name)
    given = "label" in header or "event_time_days" in header
    if not given and not options.measurements:
        raise InputError(
            f"the table '{manifest.name}' has neither 'label' nor 'event_time_days'; add one, or "
            "name serial measurements"
        )
    tables.require(header, list(options.tabular_times.values()), manifest.name)
    declared: dict[str, cells.Kind] = {n: k for n, k in options.tabular.items() if n in header}
    seen: dict[str, int] = {}
    for line, row in rows:
        file = (row.get(path_column) or "") if path_column else ""
        try:
            tables.check_width(row, header)
            times = {n: cells.moment(row, c) for n, c in options.tabular_times.items()}
            record = replace(_record(row, line, declared), tabular_times=times)
            cells.unique(record.record_id, line, seen, field="recording_id")
            yield _with_file(record, row, file, manifest.parent, options)
        except RecordError as error:
            yield Reject.of(error, file=file, row=line)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the declared tabular features that the manifest has, and their kinds."""
    header, _ = tables.open_table(manifest_file(path))
    return {name: kind for name, kind in options.tabular.items() if name in header}


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the serial measurements; None where the options name none."""
    return read_measurements(path, options) if options.measurements else None


def manifest_file(path: Path) -> Path:
    """Return the manifest that a path names: the file itself, or `manifest.csv` in the folder."""
    return path / "manifest.csv" if path.is_dir() else path


def _path_column(header: list[str], name: str) -> str:
    found = [c for c in PATH_COLUMNS if c in header]
    if len(found) > 1:
        raise InputError(f"the table '{name}' has {' and '.join(found)}; keep one of them")
    return found[0] if found else ""


def _record(row: tables.Row, line: int, declared: dict[str, cells.Kind]) -> Record:
    index_time, ecg_time = cells.moments(row, "index_time", "ecg_time")
    return Record(
        record_id=cells.text(row, "recording_id") or f"row-{line}",
        patient_id=cells.required(row, "patient_id"),
        row=line,
        label=cells.label(row, "label"),
        site=cells.text(row, "site"),
        index_time=index_time,
        ecg_time=ecg_time,
        event_time_days=cells.number(row, "event_time_days"),
        followup_days=cells.number(row, "followup_days"),
        death_days=cells.number(row, "death_days"),
        given_split=cells.split(row, "split"),
        tabular=cells.features(row, declared),
    )


def _with_file(record: Record, row: tables.Row, file: str, root: Path, options: Options) -> Record:
    name = file.strip()
    if not name:
        return record
    leads = cells.text(row, "ecg_leads")
    declared = Declared(
        fs=cells.number(row, "ecg_fs") or options.fs,
        unit=cells.text(row, "ecg_unit") or options.unit or None,
        leads=tuple(leads.split(";")) if leads else options.leads or None,
        key=cells.text(row, "ecg_key") or options.key or None,
        decimal=options.decimal,
    )
    reference = FileRef(path=root / name, root=root, declared=declared)
    return replace(record, ecg=reference, file=name)
