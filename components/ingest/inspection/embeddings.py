"""What HDF5 files of embeddings hold, and how they could be declared; no id is repeated."""

from __future__ import annotations

from math import prod
from pathlib import Path

import yaml

from components.core.errors import InputError
from components.core.modalities import EMBEDDED, short_name
from components.core.readers.hdf5 import open_hdf5
from components.ingest.inspection.facts import HdfData
from components.ingest.inspection.members import COLUMNS, IDS, QUALITY, documented, listed

SUFFIXES = frozenset({".h5", ".hdf5", ".he5"})
# More files than this are patients', and their names may be ids.
_FEW = 12


def hdf5_files(folder: Path) -> list[Path]:
    """Return the HDF5 files of a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)


def inspect_hdf5(folder: Path) -> tuple[tuple[HdfData, ...], str, list[str]]:
    """Return what a folder's files hold, the declaration as YAML, and what is wrong with them."""
    found: list[HdfData] = []
    declared: dict[str, dict[str, object]] = {}
    problems: list[str] = []
    files = hdf5_files(folder)
    if len(files) > _FEW:
        problem = f"the folder holds {len(files)} HDF5 files where one per modality is expected"
        return (), "", [f"{problem}; put the patients of a modality into one file"]
    for path in files:
        try:
            with open_hdf5(path) as file:
                own = list(listed(file, path.name))
        except (InputError, OSError, RuntimeError, KeyError, ValueError) as error:
            told = str(error) if isinstance(error, InputError) else type(error).__name__
            problems.append(told if path.name in told else f"'{path.name}' is damaged ({told})")
            continue
        found += own
        _declare(path.name, own, declared, problems)
    text = yaml.safe_dump({"files": declared}, sort_keys=False) if declared else ""
    return tuple(found), text, problems


def _declare(
    file: str, own: list[HdfData], declared: dict[str, dict[str, object]], problems: list[str]
) -> None:
    """Add a file's declaration, or the reason why there is none."""
    names = [short_name(name) for name in EMBEDDED]
    name = next((each for each in names if each in file.casefold()), "")
    layout = _of_rows(own) or _of_groups(own)
    if layout is None:
        unsaid = any(each.nested for each in own)
        advice = ", or declare names that are not shown, since they may be patients'"
        problems.append(
            f"'{file}' holds no data set of ids as long as one of float vectors; see its data sets"
            f"{advice if unsaid else ''}"
        )
    elif not name or name in declared:
        problems.append(
            f"the name of '{file}' does not say which modality it is; declare it as one of "
            f"{', '.join(names)} with {layout}"
        )
    else:
        declared[name] = {"file": file, **layout}


def _of_rows(own: list[HdfData]) -> dict[str, object] | None:
    """Return how ids and vectors that are shown are laid out, by documented names first."""
    shown = [each for each in own if not each.members]
    vectors = [each for each in shown if each.kind.startswith("float") and len(each.shape) == 2]
    for values in sorted(vectors, key=lambda each: (not documented(each.name), -prod(each.shape))):
        rows = [each for each in shown if each.shape == values.shape[:1] and each.ids]
        ids = next(iter(sorted(rows, key=_is_no_list)), None)
        if ids is not None:
            found: dict[str, object] = {"ids": ids.name, "embeddings": values.name}
            found |= _named(shown, "quality", QUALITY, values.shape[:1])
            found |= _named(shown, "columns", COLUMNS, values.shape[1:])
            return found | ({"patches": True} if ids.repeated else {})
    return None


def _is_no_list(each: HdfData) -> bool:
    return each.name.rpartition("/")[2].casefold() not in IDS


def _of_groups(own: list[HdfData]) -> dict[str, object] | None:
    floats = [each for each in own if each.members and each.kind.startswith("float")]
    many = max(floats, key=lambda each: each.members, default=None)
    if many is None or many.nested:
        return None
    found: dict[str, object] = {"layout": "groups", "ids": many.group}
    found |= {"embeddings": many.inner} if many.inner else {}
    found |= _named(own, "columns", COLUMNS, many.shape[-1:])
    return found | ({"patches": True} if len(many.shape) > 1 and many.shape[0] > 1 else {})


def _named(
    own: list[HdfData], setting: str, words: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, object]:
    """Return the data set of some length whose name says what it is."""
    for each in own:
        if each.shape == shape and any(word in each.name.casefold() for word in words):
            return {setting: each.name}
    return {}
