"""`hdf5_embeddings`: one HDF5 file per modality of embeddings, outcomes of the patients in a CSV.

The path is that table or the folder it lies in; a record is a row of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from components.core import cells, tables
from components.core.config.heads import ENDPOINT
from components.core.embedding_files.ids import check_collisions
from components.core.embedding_files.index import FileIndex, index_files
from components.core.embedding_files.layout import Files
from components.core.errors import InputError, RecordError
from components.core.modalities import EmbeddingModality
from components.ingest.records import EmbeddingRef, EmbeddingValues, Endpoint, Record, Reject
from components.ingest.sources.survival import SurvivalColumns, WideSeen, read_times

NAME = "hdf5_embeddings"
# A folder is read, too, and needs no manifest.csv.
READS_FOLDERS = True
EndpointName = Annotated[str, StringConstraints(pattern=ENDPOINT, min_length=1)]


class Options(Files):
    """Which files hold which modality, how they are laid out, and what the outcomes are called.

    Attributes:
        outcomes: the table, where the path is a folder.
        patient_id: its column of ids; decoration is stripped as in the files.
        separator: between its cells.
        label: column with 0, 1 or nothing; empty where times give the label.
        outcome: columns of the label's own endpoint, as days or as time and code.
        endpoints: name → columns of a further endpoint.
        site: column, or empty.
        index_time: column, or empty.
        dates_shifted: the source shifts its dates, so that they may lie in the future.
        split: column with train, val or test, or empty.
    """

    outcomes: str = Field(default="outcomes.csv", min_length=1)
    patient_id: str = Field(default="patient_id", min_length=1)
    separator: str = Field(default=",", min_length=1, max_length=1)
    label: str = ""
    outcome: SurvivalColumns = SurvivalColumns()
    endpoints: dict[EndpointName, SurvivalColumns] = Field(default_factory=dict)
    site: str = ""
    index_time: str = ""
    dates_shifted: bool = False
    split: str = ""

    @model_validator(mode="after")
    def _has_outcomes(self) -> Options:
        if not (self.label or self.outcome.needed()):
            raise ValueError("name the column 'label', or the columns of times under 'outcome'")
        unnamed = [name for name, each in self.endpoints.items() if not each.needed()]
        if unnamed:
            raise ValueError(f"name the columns of the endpoint(s) {', '.join(unnamed)}")
        return self


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row of the outcomes, then one reject per patient without any.

    Raises:
        InputError: a file is missing, damaged or not laid out as declared, ids of a file come to
            one patient, or two files have no patient in common.
    """
    table = table_of(path, options)
    header, rows = tables.open_table(table, separator=options.separator)
    timed = [options.outcome, *options.endpoints.values()]
    named = (options.patient_id, options.label, options.site, options.index_time, options.split)
    needed = [column for each in timed for column in each.needed()]
    tables.require(header, [*named, *needed], table.name)
    indexes = index_files(table.parent, options)
    known = _patients(table, options)
    _check_common(indexes, known, table.name)
    wide = {name: WideSeen() for name in ("", *options.endpoints)}
    make = partial(_record, options=options, indexes=indexes, file=table.name, wide=wide)
    seen = dict[str, int]()
    for line, row in rows:
        try:
            tables.check_width(row, header)
            record = make(row, line)
            cells.unique(record.patient_id, line, seen, field=options.patient_id)
            yield record
        except RecordError as error:
            yield Reject.of(error, file=table.name, row=line)
    for name, columns in ({"": options.outcome} | options.endpoints).items():
        wide[name].check(columns, table.name)
    yield from _without_outcome(indexes, known)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return no tabular feature: the table holds outcomes."""
    del path, options
    return {}


def table_of(path: Path, options: Options) -> Path:
    """Return the table of outcomes behind a path."""
    return path / options.outcomes if path.is_dir() else path


def _patients(table: Path, options: Options) -> set[str]:
    """Return the patients of the table; a row without a usable id is refused later."""
    rule, known = options.rule(), dict[str, str]()
    for _, row in tables.open_table(table, separator=options.separator)[1]:
        raw = cells.text(row, options.patient_id)
        patient = rule.of(raw) if raw else None
        if raw and patient:
            known[raw] = patient
    check_collisions(known, table.name)
    return set(known.values())


def _check_common(
    indexes: Mapping[EmbeddingModality, FileIndex], known: set[str], table: str
) -> None:
    """Refuse files that are of different patients, or write the same ones differently."""
    patients = {f"'{each.path.name}'": set(each.places) for each in indexes.values()}
    for one, two in combinations([*patients.items(), (f"'{table}'", known)], 2):
        if one[1].isdisjoint(two[1]):
            raise InputError(
                f"{one[0]} ({len(one[1])} patients) and {two[0]} ({len(two[1])}) have no patient "
                "in common; compare how they write ids, and declare id_pattern or strip_zeros"
            )


def _record(
    row: tables.Row,
    line: int,
    *,
    options: Options,
    indexes: Mapping[EmbeddingModality, FileIndex],
    file: str,
    wide: Mapping[str, WideSeen],
) -> Record:
    patient = _patient(row, options)
    label = cells.label(row, options.label) if options.label else None
    own = read_times(row, options.outcome, wide[""], label=label)
    _check_death(own.event, own.death)
    index, site, split = options.index_time, options.site, options.split
    held: dict[EmbeddingModality, EmbeddingRef | EmbeddingValues] = {
        name: _reference(each, patient) for name, each in indexes.items() if patient in each.places
    }
    if not held:
        raise RecordError(
            "nothing_left", "no file holds an embedding of the patient",
            field=options.patient_id, advice="nothing to do, or compare how the files write ids",
        )  # fmt: skip
    return Record(
        record_id=f"row-{line}",
        patient_id=patient,
        row=line,
        label=label,
        site=cells.text(row, site) if site else None,
        index_time=cells.moment(row, index, shifted=options.dates_shifted) if index else None,
        event_time_days=own.event,
        followup_days=own.followup,
        death_days=own.death,
        given_split=cells.split(row, split) if split else None,
        embeddings=held,
        endpoints={
            name: _endpoint(row, each, wide[name]) for name, each in options.endpoints.items()
        },
        file=file,
    )


def _reference(index: FileIndex, patient: str) -> EmbeddingRef:
    """Return where a patient's vectors lie, for a worker to read."""
    own = index.places[patient]
    return EmbeddingRef(
        path=index.path, dataset=own.dataset, rows=own.rows(), quality=own.quality,
        columns=index.columns,
    )  # fmt: skip


def _patient(row: tables.Row, options: Options) -> str:
    raw = cells.required(row, options.patient_id)
    patient = options.rule().of(raw)
    if patient is None:
        raise RecordError(
            "id_unmatched", f"the id in '{options.patient_id}' does not match id_pattern",
            field=options.patient_id, advice="correct the id, or the pattern",
        )  # fmt: skip
    return patient


def _check_death(event: float | None, death: float | None) -> None:
    if event is not None and death is not None and event > death:
        raise RecordError(
            "event_after_death", "the event is dated after death",
            field="event_time_days", value=f"{event:g}", advice="correct either of the days",
        )  # fmt: skip


def _endpoint(row: tables.Row, columns: SurvivalColumns, wide: WideSeen) -> Endpoint:
    found = read_times(row, columns, wide)
    return Endpoint(
        event_time_days=found.event, followup_days=found.followup, death_days=found.death
    )


def _without_outcome(
    indexes: Mapping[EmbeddingModality, FileIndex], known: set[str]
) -> Iterator[Reject]:
    files: dict[str, list[str]] = {}
    for each in indexes.values():
        for patient in each.places:
            if patient not in known:
                files.setdefault(patient, []).append(each.path.name)
    for patient, named in sorted(files.items()):
        yield Reject(
            file=", ".join(named), row=-1, field="", value=patient, code="no_outcome",
            reason="the patient of an embedding has no row among the outcomes",
            advice="add the row, or leave the patient out of the files",
        )  # fmt: skip
