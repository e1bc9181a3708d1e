"""The layout `features`: one CSV a modality, codes in place of categories, stains in `.npz`."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core import tables
from components.core.errors import InputError, RecordError
from components.core.modalities import EmbeddingModality
from components.ingest.records import Reject
from components.ingest.sources.hancock.embeddings import TISSUE_WIDTH
from components.ingest.sources.hancock.fields import BLOOD, FIELDS
from components.ingest.sources.hancock.outcomes import COLUMNS
from components.ingest.sources.hancock.tables import ID, Layout, Lines, by_patient

OUTCOMES = "targets.csv"
TABLES: dict[EmbeddingModality, str] = {
    "emb_clinical": "clinical.csv",
    "emb_semantic": "icd_codes.csv",
    "emb_temporal": "blood.csv",
    "emb_pathological": "pathological.csv",
    "emb_spatial": "tma_cell_density.csv",
}
STAINS = ("CD163", "CD3", "CD56", "CD68", "CD8", "HE", "MHC1", "PDL1")
Floats = npt.NDArray[np.float32]
# What damaged, encrypted or strangely packed archives raise.
_DAMAGED = (
    OSError, ValueError, EOFError, KeyError, AttributeError, RuntimeError, zipfile.BadZipFile,
    zlib.error, lzma.LZMAError,
)  # fmt: skip


def read(folder: Path) -> Layout:
    """Return what the folder's files hold.

    Raises:
        InputError: a file or column is missing or cannot be read, or vectors have another width.
    """
    _require(folder, [OUTCOMES, *TABLES.values(), *map(_stain, STAINS)])
    outcomes, rejects = _table(folder / OUTCOMES, COLUMNS)
    found: dict[EmbeddingModality, Lines] = {}
    for name, file in TABLES.items():
        found[name], refused = _table(folder / file, [each.name for each in FIELDS[name]])
        rejects += refused
    found["emb_temporal"], refused = _measured(found["emb_temporal"])
    rejects += refused
    tissue, refused = _tissue(folder)
    return Layout(
        outcomes=outcomes, tables=found, coded=True, tissue=tissue, rejects=[*rejects, *refused]
    )


def _stain(stain: str) -> str:
    return f"tma_tile_dtr_256_{stain}.npz"


def _require(folder: Path, names: Iterable[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"the folder '{folder.name}' lacks {', '.join(missing)}; bring all files of the "
            "layout 'features', or set the source's option layout to published"
        )


def _table(path: Path, columns: Iterable[str]) -> tuple[Lines, list[Reject]]:
    header, rows = tables.open_table(path)
    tables.require(header, [ID, *columns], path.name)
    return by_patient(rows, path.name, header)


def _measured(blood: Lines) -> tuple[Lines, list[Reject]]:
    """Return blood values without those that were filled in, and the rows that hold nothing else.

    The set puts modes of all patients of a sex in place of gaps. No two patients agree in sixteen
    measured values, so rows that do are filled in whole, and tell which values are modes.
    """
    names = [each.name for each in BLOOD]
    rows = {patient: tuple(line.cells.get(n) for n in names) for patient, line in blood.items()}
    modes = [row for row, count in Counter(rows.values()).items() if count > 1]
    rejects: list[Reject] = []
    found: Lines = {}
    for patient, line in blood.items():
        if rows[patient] in modes:
            error = RecordError(
                "filled_in", "all blood values are those of other patients, so none was measured",
                advice="nothing to do; the patient counts as one without blood values",
            )  # fmt: skip
            rejects.append(Reject.of(error, file=line.file, row=line.row))
            continue
        filled = {n for mode in modes for n, value in zip(names, mode, strict=True)
                  if line.cells.get(n) == value}  # fmt: skip
        kept = {n: None if n in filled else value for n, value in line.cells.items()}
        found[patient] = replace(line, cells=kept)
    return found, rejects


def _tissue(folder: Path) -> tuple[dict[str, Floats], list[Reject]]:
    """Return patient → mean `[512]` over the stains that there are, and the refused vectors."""
    each: dict[str, list[Floats]] = {}
    rejects: list[Reject] = []
    for stain in STAINS:
        path = folder / _stain(stain)
        for place, (patient, vector) in enumerate(_vectors(path), start=1):
            if np.isfinite(vector).all():
                each.setdefault(patient, []).append(vector)
                continue
            error = RecordError(
                "not_finite", "the vector holds numbers that are missing or infinite",
                field=stain, advice="leave it out, or make it again",
            )  # fmt: skip
            rejects.append(Reject.of(error, file=path.name, row=place))
    means = {p: np.mean(own, axis=0, dtype=np.float64) for p, own in each.items()}
    return {patient: np.asarray(mean, np.float32) for patient, mean in means.items()}, rejects


def _vectors(path: Path) -> Iterator[tuple[str, Floats]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            for patient in archive.files:
                yield patient, _checked(archive[patient], path.name)
    except _DAMAGED as error:
        raise InputError(
            f"the file '{path.name}' is no whole .npz archive of arrays; copy it again"
        ) from error


def _checked(vector: npt.NDArray[np.generic], name: str) -> Floats:
    if vector.shape != (TISSUE_WIDTH,) or vector.dtype.kind != "f":
        raise InputError(
            f"the file '{name}' holds an array of {vector.dtype} of shape {vector.shape} where "
            f"each patient has {TISSUE_WIDTH} floats; bring the set's own file"
        )
    with np.errstate(over="ignore"):  # becomes infinite, and is refused as such
        return vector.astype(np.float32)
