"""`manifest`: a CSV with a row per recording, or per visit with several recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from components.core import cells, tables
from components.core.errors import InputError, RecordError
from components.core.readers.registry import Declared
from components.core.schemas import MANIFEST_TIMES, PATH_COLUMNS, file_names
from components.ingest.records import FileRef, Note, Record, Reject
from components.ingest.sources import media
from components.ingest.sources.measurements import (
    Measurement,
    MeasurementOptions,
    read_measurements,
)
from components.ingest.sources.notes import NoteOptions, read_notes, row_note, row_reject
from components.ingest.sources.survival import (
    FOLLOWUP,
    LONG,
    WIDE,
    SurvivalColumns,
    WideSeen,
    columns_of,
    read_times,
)
from components.ingest.sources.targets import check_targets, read_targets

NAME = "manifest"
PERIOD = "anchor_year_group"
# Columns that have a meaning of their own; any other is declared, or not used.
COLUMNS = (
    "patient_id", *PATH_COLUMNS, "label", "recording_id", "site", "split", *MANIFEST_TIMES,
    *LONG, *WIDE, FOLLOWUP, "prevalent", PERIOD, "ecg_fs", "ecg_unit", "ecg_leads", *media.COLUMNS,
)  # fmt: skip


class Options(MeasurementOptions, NoteOptions):
    """What a manifest needs to be told.

    Attributes:
        targets: column → `numeric` or `categorical`; truths beside the label, from which heads
            learn. `lvef` is checked like a measurement, its unit is `%` unless
            `measurement_units` says `fraction`.
        event: column with 0, 1 or 2 beside `time_days`, where it is not called `event`.
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
        Serial measurements: see `MeasurementOptions`; the label may come from them. Notes: see
            `NoteOptions`.
    """

    targets: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])
    event: str = ""
    tabular: dict[str, cells.Kind] = Field(default_factory=dict[str, cells.Kind])
    tabular_times: dict[str, str] = Field(default_factory=dict[str, str])
    fs: float | None = None
    unit: str = ""
    leads: tuple[str, ...] = ()
    key: str = ""
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        check_targets(self.targets, self.tabular, self.measurement_units)
        if self.note_time_column and not self.note_column:
            raise ValueError("note_time_column dates the note in note_column; name that, too")
        if self.notes and self.note_column:
            raise ValueError("notes lie beside the manifest (notes) or in it (note_column)")
        if self.note_column and self.note_column in {*self.targets, *self.tabular}:
            raise ValueError(f"'{self.note_column}' is a note; it is no target and no feature")
        return self


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """What a manifest's header says.

    Attributes:
        name: of the manifest.
        header: its column names.
        path: column that names the ECG files; empty where there is none.
        tabular: declared features that it has.
        survival: columns of the times to event.
    """

    name: str
    header: Sequence[str]
    path: str
    tabular: dict[str, cells.Kind]
    survival: SurvivalColumns


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield the records of every row, or why it or one of them is refused.

    Args:
        path: the manifest, or a folder that holds `manifest.csv`. Files are relative to its folder.
        options: see `Options`.

    Raises:
        InputError: the manifest is missing, empty, unreadable, lacks a column, or its survival
            columns cannot say who was censored.
    """
    manifest = manifest_file(path)
    header, rows = tables.open_table(manifest)
    layout = _layout(header, manifest.name, options)
    seen, wide = dict[str, int](), WideSeen()
    for line, row in rows:
        cell = (row.get(layout.path) or "") if layout.path else ""
        try:
            tables.check_width(row, header)
            record = media.with_media(
                _record(row, line, layout, options, wide), row, manifest.parent
            )
        except RecordError as error:
            yield Reject.of(error, file=cell, row=line)
            continue
        files = file_names(layout.path, cell) or [""]
        for name, file in zip(_record_ids(row, line, len(files)), files, strict=True):
            try:
                cells.unique(name, line, seen, field="recording_id")
                own = replace(record, record_id=name)
                yield _with_file(own, row, file, manifest.parent, options)
            except RecordError as error:
                yield Reject.of(error, file=file, row=line)
    wide.check(layout.survival, manifest.name)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the declared tabular features that the manifest has, and their kinds."""
    header, _ = tables.open_table(manifest_file(path))
    return {name: kind for name, kind in options.tabular.items() if name in header}


def targets(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the truths beside the label and their kinds."""
    del path
    return options.targets


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the serial measurements; None where the options name none."""
    return read_measurements(path, options) if options.measurements else None


def notes(path: Path, options: Options) -> Iterator[Note | Reject] | None:
    """Return the notes beside the manifest or inside its rows; None where there are none."""
    manifest = manifest_file(path)
    if options.notes:
        return read_notes(manifest.parent, options, shifted=options.dates_shifted)
    return _row_notes(manifest, options) if options.note_column else None


def manifest_file(path: Path) -> Path:
    """Return the manifest that a path names: the file itself, or `manifest.csv` in the folder."""
    return path / "manifest.csv" if path.is_dir() else path


def _layout(header: list[str], name: str, options: Options) -> _Layout:
    tables.require(header, ["patient_id"], name)
    survival = columns_of(header, name, event=options.event)
    timed = survival.event_time_days or survival.event or survival.wide
    if not ("label" in header or timed or options.measurements or options.targets):
        raise InputError(
            f"the table '{name}' has neither 'label' nor 'event_time_days'; add one, or name "
            "targets or serial measurements"
        )
    declared = (*options.tabular_times.values(), *options.targets, options.note_column,
                options.note_time_column)  # fmt: skip
    tables.require(header, declared, name)
    return _Layout(
        name=name,
        header=header,
        path=_path_column(header, name),
        tabular={n: k for n, k in options.tabular.items() if n in header},
        survival=survival,
    )


def _path_column(header: list[str], name: str) -> str:
    found = [c for c in PATH_COLUMNS if c in header]
    if len(found) > 1:
        raise InputError(f"the table '{name}' has {' and '.join(found)}; keep one of them")
    return found[0] if found else ""


def _record_ids(row: tables.Row, line: int, files: int) -> list[str]:
    """Return the name of each recording of a row; several are numbered."""
    name = cells.text(row, "recording_id") or f"row-{line}"
    return [name] if files == 1 else [f"{name}.{number}" for number in range(1, files + 1)]


def _record(
    row: tables.Row, line: int, layout: _Layout, options: Options, wide: WideSeen
) -> Record:
    shifted = options.dates_shifted
    index_time, ecg_time, echo_time, intervention = cells.moments(
        row, "index_time", "ecg_time", "echo_time", "intervention_time", shifted=shifted
    )
    times = read_times(row, layout.survival, wide)
    return Record(
        record_id="",
        patient_id=cells.required(row, "patient_id"),
        row=line,
        label=cells.label(row, "label"),
        site=cells.text(row, "site"),
        index_time=index_time,
        ecg_time=ecg_time,
        echo_time=echo_time,
        intervention_time=intervention,
        period=cells.text(row, PERIOD),
        prevalent=cells.label(row, "prevalent"),
        event_time_days=times.event,
        followup_days=times.followup,
        death_days=times.death,
        given_split=cells.split(row, "split"),
        targets=read_targets(row, options.targets, options.measurement_units),
        tabular=cells.features(row, layout.tabular),
        tabular_times={
            n: cells.moment(row, c, shifted=shifted) for n, c in options.tabular_times.items()
        },
    )


def _with_file(record: Record, row: tables.Row, file: str, root: Path, options: Options) -> Record:
    if not file:
        return record
    leads = cells.text(row, "ecg_leads")
    declared = Declared(
        fs=cells.number(row, "ecg_fs") or options.fs,
        unit=cells.text(row, "ecg_unit") or options.unit or None,
        leads=tuple(leads.split(";")) if leads else options.leads or None,
        key=cells.text(row, "ecg_key") or options.key or None,
        decimal=options.decimal,
    )
    reference = FileRef(path=root / file, root=root, declared=declared)
    return replace(record, ecg=reference, file=file)


def _row_notes(manifest: Path, options: Options) -> Iterator[Note | Reject]:
    """Yield the note of each recording of each row that `read` does not refuse for its form."""
    header, rows = tables.open_table(manifest)
    column = _path_column(header, manifest.name)
    for line, row in rows:
        patient = cells.text(row, "patient_id")
        if patient is None or len(row) != len(header) or None in row.values():
            continue
        files = file_names(column, row.get(column)) if column else []
        try:
            for name in _record_ids(row, line, max(1, len(files))):
                yield row_note(
                    row, line, options, patient=patient, record=name, shifted=options.dates_shifted
                )
        except RecordError as error:
            yield row_reject(error, line)
