"""Puts an inspection together: the table's rows, its columns, the files behind it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.core.config.base import validate
from components.core.config.sections import IngestConfig
from components.core.database_url import is_database
from components.core.embedding_files.ids import CollidingIdsError
from components.core.errors import ConfigError, InputError, RecordError
from components.core.modalities import SPOKEN, MediaModality
from components.core.readers.registry import Declared
from components.core.schemas import MANIFEST_TIMES
from components.ingest.inspection.columns import inspect_columns
from components.ingest.inspection.embeddings import inspect_hdf5
from components.ingest.inspection.facts import Extension, Inspection, Recognised, Refused
from components.ingest.inspection.files import Named, Refusals, files_in, inspect_files
from components.ingest.inspection.media import spoken
from components.ingest.records import ArrayRef, FileRef, MediaRef, Record, Reject
from components.ingest.sources import hdf5_embeddings
from components.ingest.sources.array import load_array
from components.ingest.sources.manifest import manifest_file
from components.ingest.sources.registry import Source, place, source

# Files opened per extension unless told otherwise: seconds, and enough to see every layout.
FILES = 200


@dataclass
class _Rows:
    """What the source's rows come to."""

    records: int = 0
    patients: set[int] = field(default_factory=set[int])
    events: set[int] = field(default_factory=set[int])
    numbered: bool = True
    labels: Counter[str] = field(default_factory=Counter[str])
    times: Counter[str] = field(default_factory=Counter[str])
    media: Counter[str] = field(default_factory=Counter[str])
    refusals: Refusals = field(default_factory=Refusals)
    files: list[Named] = field(default_factory=list[Named])
    array: ArrayRef | None = None

    def add(self, item: Record | Reject) -> None:
        if isinstance(item, Reject):
            error = RecordError(item.code, item.reason, advice=item.advice)
            self.refusals.add("row", error, item.row, item.file)
            return
        patient = hash(item.patient_id)
        self.records += 1
        self.patients.add(patient)
        self.numbered &= item.patient_id == f"row-{item.row}"
        self.labels["unknown" if item.label is None else str(item.label)] += 1
        if item.label == 1 or item.event_time_days is not None:
            self.events.add(patient)
        self.times.update(name for name in MANIFEST_TIMES if getattr(item, name) is not None)
        if isinstance(item.ecg, FileRef):
            self.files.append(Named(reference=item.ecg, row=item.row))
        elif item.ecg is not None:
            self.array = item.ecg
        self.media.update(SPOKEN[name].removeprefix("the ") for name in item.embeddings)
        for name, references in item.media.items():
            self.media[spoken(name)] += 1
            self.files += (_media_file(each, name, item.row) for each in references)


def _media_file(reference: MediaRef, modality: MediaModality, row: int) -> Named:
    own = FileRef(path=reference.path, root=reference.root, declared=Declared())
    return Named(reference=own, row=row, modality=modality)


def inspect(config: IngestConfig, *, limit: int = FILES, show_names: bool = False) -> Inspection:
    """Return what `config` would read; nothing is written.

    Args:
        config: source, path and options, as ingest would take them.
        limit: files opened per extension; the others are counted.
        show_names: repeat the names of refused files.

    Raises:
        InputError: there is nothing under the path.
        ConfigError: there is no such source.
    """
    origin = source(config.source)
    if getattr(origin, "GENERATES", False):
        text = f"the source '{config.source}' makes its own data; there is nothing to inspect"
        return Inspection(source=config.source, what="generated", problems=(text,))
    path = place(origin, config.path)
    if is_database(config.path):
        return _table(origin, path, Path(), config, limit=limit, show_names=show_names)
    if not config.path or not path.exists():
        raise InputError(f"the path '{config.path}' does not exist; correct the 'path' parameter")
    if config.source == hdf5_embeddings.NAME:
        return _embedded(origin, path, config, limit=limit, show_names=show_names)
    table = manifest_file(path)
    if not table.is_file() and not getattr(origin, "READS_FOLDERS", False):
        return _folder(path, config.source, limit=limit, show_names=show_names)
    return _table(origin, path, table, config, limit=limit, show_names=show_names)


def _embedded(
    origin: Source, path: Path, config: IngestConfig, *, limit: int, show_names: bool
) -> Inspection:
    """Look at HDF5 files also where nothing is declared of them yet."""
    folder = path if path.is_dir() else path.parent
    data, declaration, problems = inspect_hdf5(folder)
    options = config.options.get(config.source, {})
    table = path / str(options.get("outcomes", "outcomes.csv")) if path.is_dir() else path
    found = _table(origin, path, table, config, limit=limit, show_names=show_names)
    told = [each for each in problems if each not in found.problems]
    return found.model_copy(
        update={
            "embeddings": data,
            "declaration": declaration,
            "problems": (*found.problems, *told),
        }
    )


def _folder(root: Path, name: str, *, limit: int, show_names: bool) -> Inspection:
    files, companions = files_in(root)
    facts = inspect_files(files, limit=limit, show_names=show_names)
    problems = [
        "the folder holds no manifest.csv; write one with a row per recording: patient_id, path "
        "(relative to its folder), and label or event_time_days; pictures are named in a column "
        "ecg_image, sounds in pcg_audio"
    ]
    problems += _needs(facts.recognised)
    return Inspection(
        source=name, what="folder",
        extensions=_with_companions(facts.extensions, companions),
        recognised=facts.recognised, refused=facts.refused, problems=tuple(problems),
    )  # fmt: skip


def _with_companions(
    found: tuple[Extension, ...], companions: dict[str, int]
) -> tuple[Extension, ...]:
    own = {each.extension: each for each in found}
    for name, count in companions.items():
        plain = own.get(name, Extension(extension=name, files=0, inspected=0))
        own[name] = plain.model_copy(update={"files": plain.files + count, "companions": count})
    return tuple(own[name] for name in sorted(own))


def _table(
    origin: Source, path: Path, table: Path, config: IngestConfig, *, limit: int, show_names: bool
) -> Inspection:
    options = config.options.get(config.source, {})
    columns, problems = inspect_columns(table, options) if table.is_file() else ((), [])
    rows = _Rows()
    try:
        valid = validate(origin.Options, options, f"ingest.options.{config.source}")
        for item in origin.read(path, valid):
            rows.add(item)
        kept = origin.features(path, valid)
        absent = [name for name in options.get("tabular") or {} if name not in kept]
        problems += [f"the declared feature '{name}' is no column; left out" for name in absent]
    except CollidingIdsError as error:
        problems.append(str(error.withheld()))
    except (InputError, ConfigError) as error:
        problems += [str(error)] if str(error) not in problems else []
    facts = inspect_files(rows.files, limit=limit, show_names=show_names)
    recognised = facts.recognised + (_of_array(rows.array, rows.records) if rows.array else ())
    refused: tuple[Refused, ...] = rows.refusals.facts(show_names=show_names) + facts.refused
    return Inspection(
        source=config.source, what="table", columns=columns, recognised=recognised,
        extensions=facts.extensions, refused=refused,
        problems=(*problems, *_needs(facts.recognised)), **_counts(rows),
    )  # fmt: skip


def _counts(rows: _Rows) -> dict[str, Any]:
    return {
        "records": rows.records,
        "patients": None if rows.numbered else len(rows.patients),
        "labels": dict(sorted(rows.labels.items())),
        "event_patients": len(rows.events),
        "times": {name: rows.times[name] for name in MANIFEST_TIMES if rows.times[name]},
        "media": dict(sorted(rows.media.items())),
    }


def _of_array(reference: ArrayRef, records: int) -> tuple[Recognised, ...]:
    declared = reference.declared
    seconds = load_array(reference.path, reference.key).shape[2] / (declared.fs or 1)
    leads = declared.leads or ()
    return (
        Recognised(
            reader="array", files=1, fs={f"{declared.fs:g}": records},
            leads={f"{len(leads)}: {', '.join(leads)}": records},
            seconds=(seconds, seconds, seconds),
        ),
    )  # fmt: skip


def _needs(recognised: tuple[Recognised, ...]) -> list[str]:
    return [
        f"{count} inspected {kind.reader} file(s) do not say their {name}; give the manifest a "
        f"column ecg_{name}, or declare '{name}' in the source's options"
        for kind in recognised
        for name, count in kind.needs.items()
    ]
