"""The five HDF5 files and the table of outcomes, as a hospital would hand them over."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from components.core.modalities import EMBEDDED, short_name
from components.core.planted_factors import PlantedFactors
from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.embeddings.draw import Patients, patches_of
from components.ingest.synthetic.embeddings.mechanism import WITH_QUALITY

OUTCOMES_FILE = "outcomes.csv"
IDS, VECTORS, QUALITY = "patient_ids", "embeddings", "quality"
PATCHED = "emb_spatial"
COLUMNS: tuple[str, ...] = (
    "patient_id", "site", "index_time", "death_days", "followup_days", "recurrence_days",
    "death_before_recurrence_days",
)  # fmt: skip
_ID_TYPE = h5py.string_dtype("utf-8")


def patient_id(index: int) -> str:
    """Return the id of a patient by number in the cohort."""
    return f"E{index:07d}"


class Sheets:
    """The files of a cohort in `folder`, which grow block by block until `stack` closes them."""

    def __init__(self, folder: Path, planted: PlantedFactors, stack: ExitStack) -> None:
        self._noise = planted.modalities[PATCHED].noise
        self._files = {
            name: _opened(stack, folder / f"{short_name(name)}.h5", name, len(own.mean))
            for name, own in planted.modalities.items()
        }
        table = (folder / OUTCOMES_FILE).open("w", encoding="utf-8", newline="")
        self._outcomes = csv.DictWriter(stack.enter_context(table), COLUMNS, lineterminator="\n")
        self._outcomes.writeheader()

    def add(self, patients: Patients, seed: int) -> None:
        """Write one block's embeddings and outcomes."""
        self._outcomes.writerows(outcome_cells(patients, row) for row in range(patients.size))
        for name in EMBEDDED:
            rows = np.flatnonzero(patients.there[name])
            vectors, counts = patients.vectors[name][rows].copy(), np.ones(len(rows), np.int64)
            vectors[patients.broken[name][rows], 0] = np.nan
            if name == PATCHED:
                vectors, counts = self._patches(patients, rows.tolist(), seed)
            ids = [patient_id(int(patients.index[row])) for row in rows]
            parts: dict[str, Any] = {
                IDS: np.repeat(np.array(ids, object), counts),
                VECTORS: vectors.astype(np.float32),
            }
            if name == WITH_QUALITY:
                parts[QUALITY] = patients.quality[rows].astype(np.float32)
            _append(self._files[name], parts)

    def _patches(
        self, patients: Patients, rows: list[int], seed: int
    ) -> tuple[FloatArray, np.ndarray]:
        made = [patches_of(patients, row, self._noise, seed) for row in rows]
        for patches, row in zip(made, rows, strict=True):
            if patients.broken[PATCHED][row]:
                patches[0, 0] = np.nan
        empty = np.zeros((0, len(self._noise)))
        return np.concatenate([empty, *made]), patients.patches[rows]


def _opened(stack: ExitStack, path: Path, name: str, width: int) -> h5py.File:
    file = stack.enter_context(h5py.File(path, "w"))
    file.create_dataset(IDS, (0,), _ID_TYPE, maxshape=(None,))
    file.create_dataset(VECTORS, (0, width), "f4", maxshape=(None, width))
    if name == WITH_QUALITY:
        file.create_dataset(QUALITY, (0,), "f4", maxshape=(None,))
    return file


def _append(file: h5py.File, parts: dict[str, Any]) -> None:
    for name, values in parts.items():
        data: Any = file[name]
        before = len(data)
        data.resize(before + len(values), axis=0)
        data[before:] = values


def outcome_cells(patients: Patients, row: int) -> dict[str, str]:
    """Return a patient's line of the table of outcomes; empty cells did not happen, as seen."""
    last = patients.course.last[row]

    def seen(day: float) -> str:
        return f"{day:.0f}" if day <= last else ""

    recurrence, death = seen(patients.course.recurrence[row]), seen(patients.course.death[row])
    return {
        "patient_id": patient_id(int(patients.index[row])),
        "site": str(patients.site[row]),
        "index_time": patients.course.index_date[row].isoformat(),
        "death_days": death,
        "followup_days": f"{last:.0f}",
        "recurrence_days": recurrence,
        "death_before_recurrence_days": "" if recurrence else death,
    }
