"""`hancock`: head-and-neck cancer patients in the layouts of the HANCOCK data set.

Dörrich et al., A multimodal dataset for precision oncology in head and neck cancer, 2024. The
layout `features` is that of the tables in the set's repository, `published` that of its archives,
unpacked. Both come to embeddings whose entries have names (docs/hcat_hancock.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from components.core import cells
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError
from components.ingest.records import Record, Reject
from components.ingest.sources.hancock import feature_files, published_files
from components.ingest.sources.hancock.embeddings import embeddings_of
from components.ingest.sources.hancock.outcomes import ENDPOINT, outcome
from components.ingest.sources.hancock.tables import ID, Layout, Line

NAME = "hancock"
READS_FOLDERS = True


class Options(Frozen):
    """Where the patients come from.

    Attributes:
        layout: `features` are CSV tables and `.npz` files in one folder, `published` JSON and text
            files in the folders of the archives.
    """

    layout: Literal["features", "published"] = "features"


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield a record per patient with known outcome, or why it is refused.

    A row of another table whose patient has no outcome is refused, too, and so is the second row
    of a patient.

    Args:
        path: the folder.
        options: its layout.

    Raises:
        InputError: it is no folder, or a file or column is missing or cannot be read.
    """
    if not path.is_dir():
        raise InputError(
            f"the path '{path}' is no folder; source 'hancock' reads the folder of the data set: "
            "correct the 'path' parameter"
        )
    layout = (feature_files if options.layout == "features" else published_files).read(path)
    yield from layout.rejects
    for patient, line in layout.outcomes.items():
        try:
            yield _record(patient, line, layout)
        except RecordError as error:
            yield Reject.of(error, file=line.file, row=line.row)
    yield from _without_outcome(layout)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return nothing: all that is known of a patient lies in embeddings."""
    del path, options
    return {}


def _record(patient: str, line: Line, layout: Layout) -> Record:
    course = outcome(line.cells)
    return Record(
        record_id=patient,
        patient_id=patient,
        row=line.row,
        file=line.file,
        label=None,
        event_time_days=course.death,
        followup_days=course.last,
        endpoints={ENDPOINT: course.recurrence},
        embeddings=embeddings_of(patient, layout),
    )


def _without_outcome(layout: Layout) -> Iterator[Reject]:
    for table in layout.tables.values():
        for patient, line in table.items():
            if patient not in layout.outcomes:
                error = RecordError(
                    "no_outcome", "the patient has no outcome", field=ID,
                    advice="add the patient to the table of outcomes, or leave the row out",
                )  # fmt: skip
                yield Reject.of(error, file=line.file, row=line.row)
