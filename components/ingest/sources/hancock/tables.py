"""What either layout is read as: rows of texts by patient, refused rows, vectors of tissue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from components.core import cells, tables
from components.core.errors import RecordError
from components.core.modalities import EmbeddingModality
from components.ingest.records import Reject

ID = "patient_id"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a table.

    Attributes:
        file: name of the table.
        row: its line, or the place of an entry in a list, from 1.
        cells: column → text.
    """

    file: str
    row: int
    cells: tables.Row


Lines = dict[str, Line]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All that a folder holds.

    Attributes:
        outcomes: of each patient.
        tables: modality → rows of the patients that have it.
        coded: categories are numbers.
        tissue: patient → vectors `[512]` of stained tissue, a mean over stains; may be empty.
        rejects: rows that cannot be used.
    """

    outcomes: Lines
    tables: dict[EmbeddingModality, Lines]
    coded: bool
    tissue: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list[Reject])


def by_patient(
    rows: Iterable[tuple[int, tables.Row]], file: str, header: Sequence[str] = ()
) -> tuple[Lines, list[Reject]]:
    """Return the first row of each patient, and the refused rows.

    Args:
        rows: with their lines.
        file: name of the table.
        header: of a delimited table, to whose width rows are held.
    """
    found: Lines = {}
    rejects: list[Reject] = []
    for number, row in rows:
        try:
            if header:
                tables.check_width(row, header)
            patient = cells.required(row, ID)
            if patient in found:
                raise RecordError(
                    "duplicate_patient", f"the patient of line {found[patient].row} comes again",
                    field=ID, advice="keep one row a patient",
                )  # fmt: skip
            found[patient] = Line(file=file, row=number, cells=row)
        except RecordError as error:
            rejects.append(Reject.of(error, file=file, row=number))
    return found, rejects
