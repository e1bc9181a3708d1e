"""Rows of a manifest as the bundle takes them: file, declarations, features, published names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.core import cells, tables
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import NOTES
from components.core.data.stored_events import Events
from components.core.errors import ConfigError, InputError, RecordError, nearest
from components.core.media.columns import MEDIA_COLUMNS
from components.core.modalities import EmbeddingModality
from components.core.schemas import PATH_COLUMNS

EMBEDDING_FILES = "hdf5_embeddings"
EVENT_TABLE = "event_table"
SOURCES = ("manifest", EMBEDDING_FILES, EVENT_TABLE)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a patient's vectors of one modality lie.

    Attributes:
        path: of the HDF5 file.
        dataset: within it.
        rows: of that data set.
        quality: as the file gives it, 1 where it gives none.
    """

    path: Path
    dataset: str
    rows: tuple[int, ...]
    quality: float


@dataclass(frozen=True, kw_only=True)
class NewRecord:
    """One row of the manifest, not yet read.

    Attributes:
        row: its line, the header being line 1.
        patient: `patient-N` by the patient's first line.
        cells: the row as it stands.
        width: how many columns the header has.
        embeddings: modality → where its vectors lie, where the records are files of embeddings.
        events: the sequence, where the records are tables of stays; it may be empty.
        refused: why a row of such a table cannot be used; None where it can.
    """

    row: int
    patient: str
    cells: dict[str, str | None]
    width: int
    embeddings: Mapping[EmbeddingModality, Place] = field(default_factory=dict)
    events: Events | None = None
    refused: RecordError | None = None


def manifest_file(source: str, path: str) -> Path:
    """Return the manifest that a path names: the file itself, or `manifest.csv` in the folder.

    Raises:
        ConfigError: another source than a manifest.
    """
    if source not in SOURCES:
        raise ConfigError(f"'source' is '{source}'; {nearest(source, SOURCES)}")
    given = Path(path).expanduser()
    return given / "manifest.csv" if given.is_dir() else given


def path_column(manifest: Path, facts: BundleFacts) -> str:
    """Return the column that names the ECG files; empty for a model without ECG.

    Raises:
        InputError: the manifest lacks what the model takes in, or cannot hold it.
    """
    if facts.embeddings:
        raise InputError(
            f"the model of task '{facts.task}' takes embeddings, which a manifest cannot hold; "
            f"give source={EMBEDDING_FILES} and the folder of their files as path"
        )
    if facts.events is not None:
        raise InputError(
            f"the model of task '{facts.task}' takes event sequences, which a manifest cannot "
            f"hold; give source={EVENT_TABLE} and the folder of the tables as path"
        )
    header, _ = tables.open_table(manifest)
    notes = [NOTES] if facts.notes else []
    # An empty cell says that a record lacks a picture or sound; a column that is not there may be
    # misspelt, and every record would go without.
    files = [MEDIA_COLUMNS[name] for name in facts.media]
    tables.require(header, ["patient_id", *facts.features, *notes, *files], manifest.name)
    found = [name for name in PATH_COLUMNS if name in header]
    if facts.ecg is not None and len(found) != 1:
        raise InputError(
            f"the table '{manifest.name}' has {len(found)} of the columns "
            f"{', '.join(PATH_COLUMNS)}; the model takes an ECG, name its file in one of them"
        )
    return found[0] if facts.ecg is not None else ""


def records(manifest: Path) -> Iterator[NewRecord]:
    """Yield the rows one by one; an empty patient id is refused later, with its row."""
    header, rows = tables.open_table(manifest)
    first: dict[str, int] = {}
    for line, row in rows:
        patient = cells.text(row, "patient_id") or f"row-{line}"
        number = first.setdefault(patient, line)
        yield NewRecord(row=line, patient=f"patient-{number}", cells=row, width=len(header))
