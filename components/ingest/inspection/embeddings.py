"""What HDF5 files of embeddings hold, and how they could be declared; no id is repeated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import yaml

from components.core.errors import InputError
from components.core.modalities import EMBEDDED, short_name
from components.core.readers.hdf5 import foreign, is_text, open_hdf5, own_member, text_blocks
from components.ingest.inspection.facts import HdfData

SUFFIXES = frozenset({".h5", ".hdf5", ".he5"})
# Members of a group beyond this are patients' and told together; their names may be ids.
_FEW = 12
_SHAPES = 3
_QUALITY, _COLUMNS = ("quality", "weight", "confidence"), ("columns", "names", "features")


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
                own = list(_listed(file, path.name))
        except (InputError, OSError, RuntimeError, KeyError, ValueError) as error:
            told = str(error) if isinstance(error, InputError) else type(error).__name__
            problems.append(told if path.name in told else f"'{path.name}' is damaged ({told})")
            continue
        found += own
        _declare(path.name, own, declared, problems)
    text = yaml.safe_dump({"files": declared}, sort_keys=False) if declared else ""
    return tuple(found), text, problems


def id_shape(text: str) -> str:
    """Return what an id looks like, without a character of it.

    >>> id_shape("P-0071"), id_shape("12")
    ('1 letter, 1 mark, 4 digits', '2 digits')
    """
    runs = re.findall(r"[^\W\d_]+|\d+|[\W_]+", text)
    kinds = ((str.isalpha, "letter"), (str.isdigit, "digit"))
    told: list[str] = []
    for run in runs:
        name = next((word for test, word in kinds if test(run)), "mark")
        told.append(f"{len(run)} {name}{'s' if len(run) > 1 else ''}")
    return ", ".join(told) or "empty"


def _listed(group: h5py.Group, file: str, prefix: str = "") -> Iterator[HdfData]:
    names = [str(name) for name in group]
    if len(names) > _FEW or _alike(group, names):
        yield _many(group, names, file, prefix)
        return
    for name in names:
        place, member = f"{prefix}{name}", own_member(group, name)
        if isinstance(member, h5py.Group):
            yield from _listed(member, file, f"{place}/")
        elif isinstance(member, h5py.Dataset):
            yield _data(member, file, place)
        else:
            yield HdfData(file=file, name=place, kind="link to elsewhere")


def _alike(group: h5py.Group, names: list[str]) -> bool:
    """Return whether members are built alike and hold no ids: their names may be patients'."""
    members = [own_member(group, name) for name in names]
    inner = {tuple(each) if isinstance(each, h5py.Group) else _vector(each) for each in members}
    texts = any(
        isinstance(held, h5py.Dataset) and is_text(held) and held.ndim == 1
        for each in members
        if isinstance(each, h5py.Group)
        for held in each.values()
    )
    return len(names) > 1 and len(inner) == 1 and inner != {()} and not texts


def _vector(member: Any) -> tuple[object, ...]:  # noqa: ANN401 - h5py ships no types
    """Return width and type of vectors; nothing of what holds none."""
    if not isinstance(member, h5py.Dataset) or member.dtype.kind != "f" or not member.ndim:
        return ()
    return (member.shape[-1], str(member.dtype))


def _data(data: Any, file: str, place: str) -> HdfData:  # noqa: ANN401 - h5py ships no types
    kind = "text" if h5py.check_string_dtype(data.dtype) is not None else str(data.dtype)
    ids, repeated = {}, False
    problem = foreign(data)
    if not problem and is_text(data) and data.ndim == 1:
        ids, repeated = _ids(data)
    return HdfData(
        file=file, name=place, kind=kind, shape=tuple(data.shape), ids=ids, repeated=repeated,
        problem=problem,
    )  # fmt: skip


def _ids(data: Any) -> tuple[dict[str, int], bool]:  # noqa: ANN401 - h5py ships no types
    """Return shapes of ids, the most frequent first, and whether any id stands twice."""
    shapes: Counter[str] = Counter()
    seen: set[str] = set()
    for block in text_blocks(data):
        shapes.update(id_shape(each) for each in block)
        seen.update(block)
    return dict(shapes.most_common(_SHAPES)), len(seen) < data.shape[0]


def _many(group: h5py.Group, names: list[str], file: str, prefix: str) -> HdfData:
    """Return many members of one kind as one line: their names are ids."""
    first = own_member(group, names[0])
    inner = list(_listed(first, file)) if isinstance(first, h5py.Group) else []
    held = next((each for each in inner if each.kind.startswith("float")), None)
    own = _data(first, file, "") if isinstance(first, h5py.Dataset) else held
    shapes = Counter(id_shape(name) for name in names)
    return HdfData(
        file=file,
        name=f"{prefix}({len(names)} members){f'/{held.name}' if held else ''}",
        kind=own.kind if own else "group",
        shape=own.shape if own else (),
        ids=dict(shapes.most_common(_SHAPES)),
        group=prefix.strip("/"),
        inner=held.name if held else "",
        members=len(names),
    )


def _declare(
    file: str, own: list[HdfData], declared: dict[str, dict[str, object]], problems: list[str]
) -> None:
    """Add a file's declaration, or the reason why there is none."""
    names = [short_name(name) for name in EMBEDDED]
    name = next((each for each in names if each in file.casefold()), "")
    layout = _of_rows(own) or _of_groups(own)
    if layout is None:
        problems.append(
            f"'{file}' holds no data set of ids as long as one of float vectors; see its data sets"
        )
    elif not name or name in declared:
        problems.append(
            f"the name of '{file}' does not say which modality it is; declare it as one of "
            f"{', '.join(names)} with {layout}"
        )
    else:
        declared[name] = {"file": file, **layout}


def _of_rows(own: list[HdfData]) -> dict[str, object] | None:
    vectors = [each for each in own if each.kind.startswith("float") and len(each.shape) == 2]
    for values in sorted(vectors, key=lambda each: -each.shape[0] * each.shape[1]):
        rows = [each for each in own if each.shape == values.shape[:1]]
        ids = next((each for each in rows if each.ids), None)
        if ids is not None:
            found: dict[str, object] = {"ids": ids.name, "embeddings": values.name}
            found |= _named(own, "quality", _QUALITY, values.shape[:1])
            found |= _named(own, "columns", _COLUMNS, values.shape[1:])
            return found | ({"patches": True} if ids.repeated else {})
    return None


def _of_groups(own: list[HdfData]) -> dict[str, object] | None:
    many = next((each for each in own if each.members and each.kind.startswith("float")), None)
    if many is None:
        return None
    found: dict[str, object] = {"layout": "groups", "ids": many.group}
    found |= {"embeddings": many.inner} if many.inner else {}
    return found | ({"patches": True} if len(many.shape) > 1 and many.shape[0] > 1 else {})


def _named(
    own: list[HdfData], setting: str, words: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, object]:
    """Return the data set of some length whose name says what it is."""
    for each in own:
        if each.shape == shape and any(word in each.name.casefold() for word in words):
            return {setting: each.name}
    return {}
