"""`mimic_iv_ecg`: MIMIC-IV-ECG, MIMIC-IV-Note and a table of LVEFs in their own layouts.

Gow et al., *MIMIC-IV-ECG* 1.0, and Johnson et al., *MIMIC-IV-Note* 2.2 (PhysioNet). All dates of a
patient are shifted by one offset into the future; the years are told by `anchor_year_group`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from components.core import cells, tables
from components.core.beside import locate
from components.core.config.base import Frozen
from components.core.errors import RecordError
from components.core.readers.registry import Declared
from components.core.schemas import LVEF
from components.ingest.records import FileRef, Note, Record, Reject
from components.ingest.sources.measurements import Measurement, plausible
from components.ingest.sources.mimic_iv_outcomes import Outcomes, read_outcomes
from components.ingest.sources.mimic_iv_patients import People, read_people
from components.ingest.sources.notes import Column, read_table

NAME = "mimic_iv_ecg"
# A note can be read once it was stored, which may be days after what it is about.
NOTE_COLUMNS: dict[Column, str] = {
    "patient_id": "subject_id", "time": "charttime", "stored": "storetime", "text": "text",
}  # fmt: skip
_LISTED = ("subject_id", "study_id", "ecg_time", "path")


class Options(Frozen):
    """Which files lie in the folder; `.csv` and `.csv.gz` are read alike, empty = none.

    Attributes:
        record_list: MIMIC-IV-ECG's table of studies.
        lvef: CSV `subject_id, echo_time, lvef`.
        lvef_unit: of it.
        discharge: MIMIC-IV-Note's discharge summaries.
        radiology: its radiology reports.
        patients: MIMIC-IV's `hosp/patients`: sex, age, period, death.
        outcomes: CSV `subject_id, event_time, followup_time`, or `time_days, event` beside
            `study_id` (or `subject_id`, for patients with one study).
    """

    record_list: str = Field(default="record_list.csv", min_length=1)
    lvef: str = ""
    lvef_unit: Literal["%", "fraction"] = "%"
    discharge: str = ""
    radiology: str = ""
    patients: str = ""
    outcomes: str = ""

    @model_validator(mode="after")
    def _has_truth(self) -> Options:
        if not (self.lvef or self.outcomes):
            raise ValueError("name 'lvef' or 'outcomes'; without either there is no truth")
        return self


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per study of a patient with an LVEF or an outcome.

    The moment of prediction is the study's own time. Other studies are left out; `counts` tells
    their number.

    Args:
        path: the folder, or `record_list.csv` in it; other files are relative to it.
        options: see `Options`.

    Raises:
        InputError: a table is missing, empty, unreadable, or lacks a column.
    """
    root, listing = _places(path, options)
    people = read_people(locate(root, options.patients, "patients")) if options.patients else None
    outcomes = _outcomes(root, options)
    wanted = _with_truth(root, options, outcomes)
    if outcomes is not None:
        _, every = tables.open_table(listing)
        outcomes.count(cells.text(row, "subject_id") or "" for _, row in every)
    seen = dict[str, int]()
    header, rows = tables.open_table(listing)
    tables.require(header, _LISTED, listing.name)
    for line, row in rows:
        file = row.get("path") or ""
        try:
            tables.check_width(row, header)
            if cells.required(row, "subject_id") not in wanted:
                continue
            record = _record(row, line, root, people, outcomes)
            cells.unique(record.record_id, line, seen, field="study_id")
            yield record
        except RecordError as error:
            yield Reject.of(error, file=file, row=line)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return sex and age, where the patients are named."""
    del path
    return {"age": "numeric", "sex": "categorical"} if options.patients else {}


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the LVEFs; None where the options name none."""
    return _lvefs(_places(path, options)[0], options) if options.lvef else None


def notes(path: Path, options: Options) -> Iterator[Note | Reject] | None:
    """Return the notes, streaming; None where the options name none."""
    if not (options.discharge or options.radiology):
        return None
    return _notes(_places(path, options)[0], options)


def counts(path: Path, options: Options) -> dict[str, float]:
    """Return how many studies were left out, since their patient has no truth."""
    root, listing = _places(path, options)
    wanted = _with_truth(root, options, _outcomes(root, options))
    _, rows = tables.open_table(listing)
    without = sum((cells.text(row, "subject_id") or "") not in wanted for _, row in rows)
    return {"studies_without_truth": without}


def _places(path: Path, options: Options) -> tuple[Path, Path]:
    """Return the root folder and the list of studies."""
    if path.is_file():
        return path.parent, path
    return path, locate(path, options.record_list, "record_list")


def _outcomes(root: Path, options: Options) -> Outcomes | None:
    return read_outcomes(locate(root, options.outcomes, "outcomes")) if options.outcomes else None


def _with_truth(root: Path, options: Options, outcomes: Outcomes | None) -> set[str]:
    """Return the patients with an LVEF or an outcome."""
    found = set[str]() if outcomes is None else set(outcomes.subjects)
    if options.lvef:
        _, rows = tables.open_table(locate(root, options.lvef, "lvef"))
        found |= {cells.text(row, "subject_id") or "" for _, row in rows}
    return found - {""}


def _record(
    row: tables.Row, line: int, root: Path, people: People | None, outcomes: Outcomes | None
) -> Record:
    subject, study = cells.required(row, "subject_id"), cells.required(row, "study_id")
    when = cells.moment({"ecg_time": cells.required(row, "ecg_time")}, "ecg_time", shifted=True)
    file = cells.required(row, "path").removesuffix(".hea") + ".hea"
    person = people.of(subject) if people is not None else None
    outcome = outcomes.of(subject, study, when) if outcomes is not None else None
    # A death alone, without the follow-up of those alive, would be half an outcome.
    death = person.death_days(when) if person and outcome and outcome.known else None
    return Record(
        record_id=study,
        patient_id=subject,
        row=line,
        label=None,
        index_time=when,
        ecg_time=when,
        period=person.period if person else None,
        prevalent=outcome.prevalent if outcome else None,
        event_time_days=outcome.times.event if outcome else None,
        followup_days=outcome.times.followup if outcome else None,
        death_days=outcome.times.death if outcome and outcome.times.death is not None else death,
        tabular={} if person is None else {"age": person.age(when), "sex": person.sex},
        ecg=FileRef(path=root / file, root=root, declared=Declared()),
        file=file,
    )


def _lvefs(root: Path, options: Options) -> Iterator[Measurement | Reject]:
    file = locate(root, options.lvef, "lvef")
    header, rows = tables.open_table(file)
    tables.require(header, ("subject_id", "echo_time", LVEF), file.name)
    for line, row in rows:
        try:
            tables.check_width(row, header)
            patient = cells.required(row, "subject_id")
            cells.required(row, "echo_time")
            cells.required(row, LVEF)
            value = cells.number(row, LVEF) or 0.0
            yield Measurement(
                patient_id=patient,
                name=LVEF,
                time=cells.moment(row, "echo_time", shifted=True),
                day=None,
                value=plausible(LVEF, value, options.lvef_unit, field=LVEF),
                below=False,
                row=line,
            )
        except RecordError as error:
            yield Reject.of(error, file=file.name, row=line)


def _notes(root: Path, options: Options) -> Iterator[Note | Reject]:
    for name, option in ((options.discharge, "discharge"), (options.radiology, "radiology")):
        if name:
            yield from read_table(locate(root, name, option), NOTE_COLUMNS, shifted=True)
