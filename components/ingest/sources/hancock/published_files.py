"""The layout `published`: lists of JSON objects, a text file of ICD codes a patient, TMA cores.

Of each blood value the last before the first treatment counts, of the cores of a place and stain
the mean. Vectors of stained tissue are not published; the spatial embedding is the densities.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from components.core import cells, tables
from components.core.errors import InputError, RecordError
from components.core.modalities import EmbeddingModality
from components.ingest.records import Reject
from components.ingest.sources.hancock.fields import BLOOD, CLINICAL, CODES, PATHOLOGICAL
from components.ingest.sources.hancock.outcomes import COLUMNS
from components.ingest.sources.hancock.tables import ID, Layout, Line, Lines, by_patient

STRUCTURED = "StructuredData"
CODES_FOLDER = "TextData/icd_codes"
CORES = "TMA_CellDensityMeasurements/TMA_celldensity_measurements.csv"
# `…_001.txt`, and in a file `Carcinoma of the tongue [C02.1]`.
_FILE = re.compile(r"(\d+)\.txt$")
_CODE = re.compile(r"\[\s*([A-Z]\d{2}\.?\d?)[A-Z0-9.!*+ -]*\]")
_CASE, _IMAGE, _ABSENT, _DENSITY = "Case ID", "Image", "Missing", "Num Positive per mm^2"
_PLACES = {"TumorCenter": "z", "InvasionFront": "inv"}
_WHERE = re.compile(r"(TumorCenter|InvasionFront).*?(CD3|CD8)(?!\d)")
_BEFORE = "days_before_first_treatment"
_QUANTITIES = frozenset(each.name for each in BLOOD)


def read(folder: Path) -> Layout:
    """Return what the folder's files hold.

    Raises:
        InputError: a file, folder or key is missing or cannot be read.
    """
    root = folder / STRUCTURED
    clinical, rejects = _objects(root / "clinical_data.json", [*_names(CLINICAL), *COLUMNS])
    pathological, refused = _objects(root / "pathological_data.json", _names(PATHOLOGICAL))
    found: dict[EmbeddingModality, Lines] = {
        "emb_clinical": clinical,
        "emb_pathological": pathological,
    }
    rejects += refused
    for name, take, path in (
        ("emb_temporal", _blood, root / "blood_data.json"),
        ("emb_semantic", _codes, folder / CODES_FOLDER),
        ("emb_spatial", _densities, folder / CORES),
    ):
        found[cast(EmbeddingModality, name)], refused = take(path)
        rejects += refused
    return Layout(outcomes=clinical, tables=found, coded=False, rejects=rejects)


def _names(fields: Iterable[Any]) -> list[str]:
    return [each.name for each in fields]


def _json(path: Path, keys: Sequence[str]) -> list[tuple[int, tables.Row]]:
    """Return the objects of a list as rows of texts, with their places from 1."""
    if not path.is_file():
        raise InputError(
            f"the folder lacks '{path.parent.name}/{path.name}'; unpack the set's archives into "
            "one folder, or set the source's option layout to features"
        )
    try:
        plain: object = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the file '{path.name}' is no JSON in UTF-8; copy it again") from error
    if not isinstance(plain, list) or not all(isinstance(each, dict) for each in plain):  # pyright: ignore[reportUnknownVariableType]
        raise InputError(f"the file '{path.name}' must hold a list of objects, one a patient")
    objects = cast("list[dict[str, object]]", plain)
    if objects:
        tables.require(sorted(set.union(*(set(each) for each in objects))), keys, path.name)
    return [(place, _texts(each)) for place, each in enumerate(objects, start=1)]


def _texts(item: dict[str, object]) -> tables.Row:
    # An identifier that is a number has lost its zeros.
    return {
        name: str(value)
        for name, value in item.items()
        if isinstance(value, str) or (name != ID and isinstance(value, int | float))
    }


def _objects(path: Path, keys: Sequence[str]) -> tuple[Lines, list[Reject]]:
    return by_patient(_json(path, [ID, *keys]), path.name)


def _blood(path: Path) -> tuple[Lines, list[Reject]]:
    """Return per patient the last value of each quantity before the first treatment."""
    found: Lines = {}
    latest: dict[tuple[str, str], float] = {}
    rejects: list[Reject] = []
    for place, row in _json(path, [ID, "LOINC_name", "value", _BEFORE]):
        try:
            for patient, name, before in _sample(row):
                line = found.setdefault(patient, Line(file=path.name, row=place, cells={}))
                if before < latest.get((patient, name), float("inf")):
                    latest[patient, name] = before
                    line.cells[name] = row.get("value")
        except RecordError as error:
            rejects.append(Reject.of(error, file=path.name, row=place))
    return found, rejects


def _sample(row: tables.Row) -> Iterator[tuple[str, str, float]]:
    """Yield patient, quantity and days before treatment of a value that counts, else nothing."""
    name = cells.text(row, "LOINC_name")
    if name is None or name not in _QUANTITIES:
        return
    patient, before = cells.required(row, ID), cells.number(row, _BEFORE)
    # Undated, or after the treatment began: not known at the moment of prediction.
    if before is not None and before >= 0 and cells.number(row, "value") is not None:
        yield patient, name, before


def _codes(folder: Path) -> tuple[Lines, list[Reject]]:
    """Return per patient which of the declared codes the file names."""
    if not folder.is_dir():
        raise InputError(
            f"the folder lacks '{CODES_FOLDER}'; unpack the set's archives into one folder"
        )
    files = sorted(file for file in folder.glob("*.txt") if _FILE.search(file.name))
    return by_patient(enumerate(map(_coded, files), start=1), CODES_FOLDER)


def _coded(file: Path) -> tables.Row:
    text = file.read_text(encoding="utf-8", errors="replace")
    named = {code.replace(".", "").lower() for code in _CODE.findall(text)}
    number = _FILE.search(file.name)
    patient = number[1] if number else ""
    return {ID: patient, **{each.name: str(int(each.name in named)) for each in CODES}}


def _densities(path: Path) -> tuple[Lines, list[Reject]]:
    """Return per patient the mean density of positive cells by stain and place."""
    header, rows = tables.open_table(path)
    tables.require(header, [_CASE, _IMAGE, _ABSENT, _DENSITY], path.name)
    sums: dict[str, dict[str, list[float]]] = {}
    first: dict[str, int] = {}
    rejects: list[Reject] = []
    for number, row in rows:
        try:
            for patient, name, value in _core(row):
                first.setdefault(patient, number)
                sums.setdefault(patient, {}).setdefault(name, []).append(value)
        except RecordError as error:
            rejects.append(Reject.of(error, file=path.name, row=number))
    return {
        patient: Line(
            file=path.name,
            row=first[patient],
            cells={name: repr(sum(each) / len(each)) for name, each in own.items()},
        )
        for patient, own in sums.items()
    }, rejects


def _core(row: tables.Row) -> Iterator[tuple[str, str, float]]:
    """Yield patient, column and density of a core; nothing of one that is lost or nobody's."""
    patient, value = cells.text(row, _CASE), cells.number(row, _DENSITY)
    where = _WHERE.search(cells.text(row, _IMAGE) or "")
    lost = (cells.text(row, _ABSENT) or "").lower() == "true"
    if patient is not None and value is not None and where is not None and not lost:
        yield patient, f"{where[2].lower()}_{_PLACES[where[1]]}", value
