"""New patients out of HDF5 files of embeddings: whose vectors lie where."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from components.core.bundle_embeddings import QUALITY_FIELD
from components.core.bundle_files import BundleFacts
from components.core.embedding_files.ids import CollidingIdsError
from components.core.embedding_files.index import FileIndex, index_files
from components.core.embedding_files.layout import Files
from components.core.errors import InputError, RecordError
from components.core.files import file_hash
from components.core.modalities import SPOKEN, EmbeddingModality, short_name
from components.core.readers.hdf5 import open_hdf5, own_member, read_vectors
from components.score.records import NewRecord, Place

# Of the stage alone: which of the hospital's ids stands behind each row.
PATIENTS = "patients.parquet"


@dataclass(frozen=True, kw_only=True, eq=False)
class NewFiles:
    """Files of embeddings of new patients.

    Attributes:
        indexes: modality → whose vectors its file holds.
        patients: their ids, in the order of their rows.
    """

    indexes: Mapping[EmbeddingModality, FileIndex]
    patients: tuple[str, ...]

    def records(self) -> Iterator[NewRecord]:
        """Yield the patients one by one, numbered from 1 in the order of their ids."""
        for number, patient in enumerate(self.patients, start=1):
            places: dict[EmbeddingModality, Place] = {}
            for name, each in self.indexes.items():
                if patient in each.places:
                    own = each.places[patient]
                    places[name] = Place(
                        path=each.path, dataset=own.dataset, rows=own.rows(), quality=own.quality
                    )
            yield NewRecord(
                row=number, patient=f"patient-{number}", cells={"patient_id": patient}, width=1,
                embeddings=places,
            )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return `sample_id`, as the predictions name it, and the hospital's `patient_id`."""
        names = [f"row-{number}" for number in range(1, len(self.patients) + 1)]
        return pd.DataFrame({"sample_id": names, "patient_id": list(self.patients)})

    def digest(self) -> str:
        """Return a hash over names and contents of the files."""
        told = [f"{name} {file_hash(each.path)}" for name, each in self.indexes.items()]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def new_files(path: str, facts: BundleFacts) -> NewFiles:
    """Return the files of a folder, declared as those of the training were.

    Args:
        path: of the folder, or of a file in it.
        facts: of the model.

    Raises:
        InputError: the model takes no embeddings, the declaration is not known, a file of it is
            damaged or not laid out so, or none of them is there.
    """
    if facts.embedding_files is None:
        raise InputError(
            f"the model of task '{facts.task}' does not say how its files of embeddings are laid "
            "out: it takes none, or its task declares none under ingest.options.hdf5_embeddings"
        )
    given = Path(path).expanduser()
    folder = given if given.is_dir() else given.parent
    there = _there(folder, facts.embedding_files, facts)
    try:
        indexes = index_files(folder, there)
    except CollidingIdsError as error:
        raise error.withheld() from None  # whose ids they are was not asked here
    patients = sorted({patient for each in indexes.values() for patient in each.places})
    return NewFiles(indexes=indexes, patients=tuple(patients))


def _there(folder: Path, declared: Files, facts: BundleFacts) -> Files:
    """Return the declaration of the model's modalities whose files are there."""
    found = {
        short_name(name): own
        for name, own in declared.modalities().items()
        if name in facts.embeddings and (folder / own.file).is_file()
    }
    if not found:
        wanted = ", ".join(own.file for own in declared.modalities().values())
        raise InputError(
            f"the folder '{folder.name}' has none of the files that the model's task declares "
            f"({wanted}); name the folder that holds them"
        )
    return Files.model_validate({**declared.model_dump(), "files": found})


def vectors_of(record: NewRecord) -> dict[str, Any]:
    """Return the embeddings of one patient as a request sends them.

    Raises:
        RecordError: vectors that cannot be read; the modality is named.
    """
    found: dict[str, Any] = {}
    for name, place in record.embeddings.items():
        try:
            with open_hdf5(place.path) as file:
                found[name] = read_vectors(own_member(file, place.dataset), place.rows)
        except RecordError as error:
            raise RecordError(
                error.code, f"{SPOKEN[name]}: {error.reason}", field=name, advice=error.advice
            ) from error
        found[f"{name}{QUALITY_FIELD}"] = place.quality
    return found
