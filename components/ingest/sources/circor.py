"""`circor`: heart sounds in the layout of the CirCor DigiScope set.

Oliveira et al., The CirCor DigiScope Dataset, IEEE J Biomed Health Inform 26(6), 2022. A folder
with a text file per visit, which lists the WAVs of up to five auscultation sites, or the table
`training_data.csv` with the WAVs beside it or in `training_data/`. Some patients came twice under
two ids: `Additional ID` joins them, and whoever is joined through others is one patient, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.core import cells, tables
from components.core.config.base import Frozen
from components.core.errors import InputError, RecordError, quoted
from components.core.schemas import FOLDER_COLUMN
from components.ingest.records import MediaRef, Record, Reject

NAME = "circor"
READS_FOLDERS = True  # without a manifest.csv
TABLE = "training_data.csv"
_ID, _TWIN = "Patient ID", "Additional ID"
_LABELS: dict[str, tuple[str, dict[str, int | None]]] = {
    "murmur": ("Murmur", {"Present": 1, "Absent": 0, "Unknown": None}),
    "outcome": ("Outcome", {"Abnormal": 1, "Normal": 0}),
}
# Feature → the set's column and its kind: height in cm, weight in kg.
_FEATURES: dict[str, tuple[str, cells.Kind]] = {
    "age_group": ("Age", "categorical"),
    "sex": ("Sex", "categorical"),
    "height": ("Height", "numeric"),
    "weight": ("Weight", "numeric"),
    "pregnancy": ("Pregnancy status", "categorical"),
}
# A visit's file has 26 lines; what is longer than this is another file.
_MAX_TEXT_BYTES = 100_000


class Options(Frozen):
    """What is predicted from the sounds.

    Attributes:
        label: `murmur` as the annotator heard it (present against absent; unknown is kept without
            a label), or the clinical `outcome` (abnormal against normal).
    """

    label: Literal["murmur", "outcome"] = "murmur"


@dataclass(frozen=True, kw_only=True)
class _Visit:
    """One row of the table, or one text file.

    Attributes:
        row: of the table, or the file's place among the sorted ones, from 1.
        file: name for a reject row.
        cells: by the set's own column names.
        sounds: site and file of each recording.
    """

    row: int
    file: str
    cells: tables.Row
    sounds: tuple[tuple[str, Path], ...]


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield a record per visit with the sounds of all its sites, or why it is refused.

    Args:
        path: a folder with a text file per visit or with the table, or the table.
        options: see `Options`.

    Raises:
        InputError: there is neither, or the table lacks a column.
    """
    visits = list(_visits(path))
    patients = _joined(each.cells for each in visits if isinstance(each, _Visit))
    root = path if path.is_dir() else path.parent
    seen: dict[str, int] = {}
    for visit in visits:
        if isinstance(visit, Reject):
            yield visit
            continue
        try:
            record = _record(visit, options, patients, root)
            cells.unique(record.record_id, visit.row, seen, field=_ID)
            yield record
        except RecordError as error:
            yield Reject.of(error, file=visit.file, row=visit.row)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the tabular features and their kinds."""
    del path, options
    return {name: kind for name, (_, kind) in _FEATURES.items()}


def counts(path: Path, options: Options) -> dict[str, float]:
    """Return how many visits have which label, `undetermined` among them."""
    found = Counter(
        "undetermined" if item.label is None else f"label_{item.label}"
        for item in read(path, options)
        if isinstance(item, Record)
    )
    return {name: float(found[name]) for name in ("label_0", "label_1", "undetermined")}


def _visits(path: Path) -> Iterator[_Visit | Reject]:
    if path.is_dir():
        files = sorted(file for file in path.glob("*.txt") if file.stem.isdecimal())
        if files:
            yield from (_of_text(place, file) for place, file in enumerate(files, start=1))
            return
        path = path / TABLE
        if not path.is_file():
            raise InputError(
                f"the folder holds neither text files of visits (12345.txt) nor '{TABLE}'; "
                "correct the 'path' parameter"
            )
    yield from _of_table(path)


def _of_text(place: int, file: Path) -> _Visit | Reject:
    """Return what a visit's text file says: `id n fs`, n lines of recordings, `#Column: value`."""
    try:
        return _parsed(place, file)
    except RecordError as error:
        return Reject.of(error, file=file.name, row=place)


def _parsed(place: int, file: Path) -> _Visit:
    with file.open("rb") as stream:
        content = stream.read(_MAX_TEXT_BYTES)
    try:
        first, *rest = content.decode("utf-8-sig").splitlines()
        name, number = first.split()[:2]
        told = [line[1:].partition(":") for line in rest if line.startswith("#")]
        listed = [line.split() for line in rest if not line.startswith("#")]
        sounds = tuple((words[0], file.parent / words[2]) for words in listed)
        whole = name == file.stem and int(number) == len(sounds)
    except (UnicodeDecodeError, ValueError, IndexError) as error:
        raise _not_a_visit() from error
    if not whole:
        raise _not_a_visit()
    own: tables.Row = {key.strip(): value.strip() for key, _, value in told}
    return _Visit(row=place, file=file.name, cells={**own, _ID: name}, sounds=sounds)


def _not_a_visit() -> RecordError:
    return RecordError(
        "not_a_visit", "the text file does not list as many recordings as it says, of its own id",
        advice="copy it again, or leave it out of the folder",
    )  # fmt: skip


def _of_table(path: Path) -> Iterator[_Visit | Reject]:
    header, rows = tables.open_table(path)
    tables.require(header, [_ID, FOLDER_COLUMN, _TWIN, *(c for c, _ in _LABELS.values()),
                            *(c for c, _ in _FEATURES.values())], path.name)  # fmt: skip
    inner = path.parent / path.stem
    folder = inner if inner.is_dir() else path.parent
    for line, row in rows:
        try:
            tables.check_width(row, header)
            name = _whole(cells.required(row, _ID))
            yield _Visit(row=line, file="", cells=row, sounds=_sounds(name, row, folder))
        except RecordError as error:
            yield Reject.of(error, file=path.name, row=line)


def _sounds(name: str, row: tables.Row, folder: Path) -> tuple[tuple[str, Path], ...]:
    """Return the files by the set's rule: `id_AV.wav`, numbered where a site has several."""
    sites = [site for each in (cells.text(row, FOLDER_COLUMN) or "").split("+")
             if (site := each.strip())]  # fmt: skip
    seen: Counter[str] = Counter()
    found: list[tuple[str, Path]] = []
    for site in sites:
        seen[site] += 1
        end = f"_{seen[site]}" if sites.count(site) > 1 else ""
        found.append((site, folder / f"{name}_{site}{end}.wav"))
    return tuple(found)


def _record(visit: _Visit, options: Options, patients: dict[str, str], root: Path) -> Record:
    name = _whole(cells.required(visit.cells, _ID))
    references = tuple(MediaRef(path=file, root=root, site=site) for site, file in visit.sounds)
    patient = patients[name]
    return Record(
        record_id=name,
        patient_id=patient,
        row=visit.row,
        label=_label(visit.cells, options),
        tabular={
            feature: (cells.number if kind == "numeric" else cells.text)(visit.cells, column)
            for feature, (column, kind) in _FEATURES.items()
        },
        media={"pcg": references} if references else {},
        media_patients={"pcg": patient} if references else {},
        file=visit.file,
    )


def _label(row: tables.Row, options: Options) -> int | None:
    column, known = _LABELS[options.label]
    value = cells.required(row, column)
    if value not in known:
        raise RecordError(
            "unknown_label", f"the column '{column}' holds none of {', '.join(known)}",
            field=column, value=quoted(value), advice="correct the cell",
        )  # fmt: skip
    return known[value]


def _whole(name: str) -> str:
    """Return an id without the decimal that a column with gaps was written with."""
    return name.removesuffix(".0")


def _joined(rows: Iterable[tables.Row]) -> dict[str, str]:
    """Return id → the patient: the smallest of all ids that `Additional ID` joins, through others.

    An id that is joined to a visit outside the data is joined all the same.
    """
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for row in rows:
        own, twin = cells.text(row, _ID), cells.text(row, _TWIN)
        if own is None:
            continue
        one = top(_whole(own))
        other = one if twin is None else top(_whole(twin))
        low, high = sorted((one, other), key=lambda name: (len(name), name))
        parent[high] = low
    return {name: top(name) for name in parent}
