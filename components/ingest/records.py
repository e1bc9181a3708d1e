"""What a source yields: a record to be read, or a row that was refused."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.data.stored_events import Events
from components.core.errors import RecordError, shorten
from components.core.modalities import EmbeddingModality, MediaModality
from components.core.readers.registry import Declared


@dataclass(frozen=True, kw_only=True)
class FileRef:
    """An ECG file under the data root; read later, in a worker process."""

    path: Path
    root: Path
    declared: Declared


@dataclass(frozen=True, kw_only=True)
class ArrayRef:
    """One row of an array file `[record, lead, time]`.

    Attributes:
        path: of the `.npy` file, or of an `.npz` with `key`.
        row: first index.
        declared: rate, unit and lead order; an array cannot say them.
        key: name inside an `.npz`.
        lsb: what one stored number is, in the declared unit.
    """

    path: Path
    row: int
    declared: Declared
    key: str = ""
    lsb: float = 1.0


@dataclass(frozen=True, kw_only=True)
class MediaRef:
    """A picture or a sound under the data root; read later, in a worker process.

    Attributes:
        path: of the file.
        root: the data root.
        site: where it was taken (`AV`, `MV`, …); empty where that is not told.
    """

    path: Path
    root: Path
    site: str = ""


@dataclass(frozen=True, kw_only=True)
class EmbeddingRef:
    """Vectors of one patient in an HDF5 file; read later, in a worker process.

    Attributes:
        path: of the file.
        dataset: name of the data set `[rows, W]` within it.
        rows: of that data set, ascending; several are patches of one patient.
        quality: in [0, 1], as the file gives it; 1 where it gives none.
        columns: W names, where somebody knows them; else empty.
    """

    path: Path
    dataset: str
    rows: tuple[int, ...]
    quality: float = 1.0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingValues:
    """Vectors of one patient that a source made itself.

    Attributes:
        values: `[patches, W]` float32; NaN = that entry is missing.
        quality: in [0, 1]; how it comes about is the source's to document.
        columns: W names, where the source knows them; else empty.
    """

    values: npt.NDArray[np.float32]
    quality: float = 1.0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What became of a patient in respect of one endpoint, in days from the index date.

    Attributes:
        event_time_days: of the event; None = not seen.
        followup_days: of the last contact.
        death_days: of death without the event, a competing one; None = alive at the last contact.
    """

    event_time_days: float | None = None
    followup_days: float | None = None
    death_days: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One recording of one patient, with what the source's table says of it.

    Attributes:
        record_id: unique in the source.
        patient_id: the unit that splits keep together.
        row: line of the source's table (the header is line 1).
        label: 0, 1 or None (undetermined).
        echo_time: when the LVEF among `targets` was measured.
        intervention_time: start of a therapy across which no echo may be paired.
        period: years that the source still tells where it shifts dates.
        prevalent: 1 where the disease was there at the index date already.
        targets: truths beside the label → number, text or None (not known).
        tabular: feature → number, text or None (missing).
        tabular_times: feature → when it became known, or None.
        ecg: where the waveform lies; None for a tabular cohort.
        media: array modality → its files; several sounds of one visit are one record's.
        media_patients: array modality → whose recording it is, where the source says so of each.
        embeddings: embedding modality → the patient's vectors; one that is not named is absent.
        events: what happened before `index_time`, where the record is a sequence of events.
        stay_end_days: when the stay ended that its events are of; None = not known.
        admission_end_days: when the patient left the hospital or died there; None = not known.
        endpoints: name → outcome, of endpoints beside the label's own.
        file: name for a reject row, relative to the data root.
        keyed: ids are pseudonyms; a reject row says no more than where and which code.
        Times are days from `index_time`.
    """

    record_id: str
    patient_id: str
    row: int
    label: int | None
    site: str | None = None
    index_time: datetime | None = None
    ecg_time: datetime | None = None
    echo_time: datetime | None = None
    intervention_time: datetime | None = None
    period: str | None = None
    prevalent: int | None = None
    event_time_days: float | None = None
    followup_days: float | None = None
    death_days: float | None = None
    given_split: str | None = None
    targets: dict[str, float | str | None] = field(default_factory=dict[str, float | str | None])
    tabular: dict[str, float | str | None] = field(default_factory=dict[str, float | str | None])
    tabular_times: dict[str, datetime | None] = field(default_factory=dict[str, datetime | None])
    ecg: FileRef | ArrayRef | None = None
    media: dict[MediaModality, tuple[MediaRef, ...]] = field(default_factory=dict)
    media_patients: dict[MediaModality, str] = field(default_factory=dict)
    embeddings: dict[EmbeddingModality, EmbeddingRef | EmbeddingValues] = field(
        default_factory=dict
    )
    events: Events | None = None
    stay_end_days: float | None = None
    admission_end_days: float | None = None
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    file: str = ""
    keyed: bool = False

    def refused(self, error: RecordError) -> Reject:
        """Return the reject row for an error in reading this record."""
        reject = Reject.of(error, file=self.file, row=self.row)
        return reject.withheld() if self.keyed else reject


@dataclass(frozen=True, kw_only=True)
class Note:
    """One clinical note of one patient.

    Attributes:
        patient_id: as in the manifest.
        record_id: the one record that it belongs to; None belongs to all of the patient's.
        time: what it is about; None where the source does not date it.
        stored: when it could be read; None is at `time`.
        text: as written.
        row: line of the table.
    """

    patient_id: str
    record_id: str | None
    time: datetime | None
    stored: datetime | None
    text: str
    row: int


@dataclass(frozen=True, kw_only=True)
class Reject:
    """One refused row or file; becomes a row of `rejects.parquet`."""

    file: str
    row: int
    field: str
    value: str
    code: str
    reason: str
    advice: str

    @classmethod
    def of(cls, error: RecordError, *, file: str = "", row: int = -1) -> Reject:
        """Return the reject row for an error."""
        return cls(
            file=file,
            row=row,
            field=error.field,
            value=shorten(error.value),
            code=error.code,
            reason=error.reason,
            advice=error.advice,
        )

    def withheld(self) -> Reject:
        """Return the row without file name and value; reasons may quote both."""
        reason = f"{self.code.replace('_', ' ')}; details are withheld where ids are keyed"
        return replace(self, file="", value="", reason=reason)


def subject_cells(record: Record) -> dict[str, Any]:
    """Return the record's manifest cells, without those of its signal."""
    cells: dict[str, Any] = {
        "sample_id": record.record_id,
        "patient_id": record.patient_id,
        "site": record.site,
        "row": record.row,
        "index_time": record.index_time,
        "ecg_time": record.ecg_time,
        "echo_time": record.echo_time,
        "intervention_time": record.intervention_time,
        "period": record.period,
        "prevalent": record.prevalent,
        "label": record.label,
        "event_time_days": record.event_time_days,
        "followup_days": record.followup_days,
        "death_days": record.death_days,
        "given_split": record.given_split,
    }
    return cells
