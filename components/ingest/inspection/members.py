"""What lies in an HDF5 file of embeddings, told without a name that may be a patient's.

A member's name is repeated where it is made of words of the documentation, or where it is the only
other one beside a list of different patients and holds a vector for each. Any other name may be an
id: a file of one patient looks like a file of one data set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import h5py

from components.core.embedding_files.layout import Layout
from components.core.modalities import EMBEDDED, short_name
from components.core.readers.hdf5 import foreign, is_text, own_member, text_blocks
from components.ingest.inspection.facts import HdfData

QUALITY, COLUMNS = ("quality", "weight", "confidence"), ("columns", "names", "features")
_SHAPES = 3
_SETTINGS = Layout(ids="ids", quality="quality", columns="columns")
# Names of a list of patients. Other ids may be those of patches, in a file of one patient.
_OF_PATIENTS = frozenset({Layout().ids, "patient_id", "patient"})
IDS = frozenset({*_OF_PATIENTS, _SETTINGS.ids, "id"})
# Words of which a name is made that no patient has: the settings and their defaults, what such
# files call them elsewhere, modalities, parts of a cohort.
_WORDS = frozenset(
    {
        *re.split("_", Layout().ids), _SETTINGS.ids, "id", "embedding", _SETTINGS.embeddings,
        *QUALITY, *COLUMNS, "column", "feature", "vector", "vectors", "values", "patches",
        "patient", "slides", "train", "val", "test", *map(short_name, EMBEDDED),
    }
)  # fmt: skip
_Member = tuple[str, Any]


def listed(
    group: h5py.Group, file: str, prefix: str = "", *, tables: bool = True
) -> Iterator[HdfData]:
    """Yield what a group holds, below it too; members whose names may be ids are told together.

    Args:
        group: of the file.
        file: its name.
        prefix: the group's path with a slash behind it; empty for the file itself.
        tables: vectors beside a list of patients may have a name of their own.

    Raises:
        InputError: texts that are not UTF-8.
    """
    members = _members(group)
    vectors = _vectors(members) if tables else ""
    withheld: dict[object, list[_Member]] = {}
    for name, member in members:
        if name != vectors and not documented(name):
            withheld.setdefault(_kind(member), []).append((name, member))
        elif isinstance(member, h5py.Group):
            yield from listed(member, file, f"{prefix}{name}/", tables=tables)
        else:
            yield _one(member, file, f"{prefix}{name}")
    for alike in withheld.values():
        line = _together(alike, file, prefix)
        yield line.model_copy(update={"nested": line.nested or _may_be_table(members)})


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


def _members(group: h5py.Group) -> list[_Member]:
    return [(str(name), own_member(group, str(name))) for name in group]


def documented(path: str) -> bool:
    """Return whether a member's path is made of words that no patient is called."""
    return all(part in _WORDS for part in re.split("[_/]", path.casefold()))


def _vectors(members: Sequence[_Member]) -> str:
    """Return the one name that is not documented and cannot be a patient's; empty without one."""
    others = [(name, own) for name, own in members if not documented(name)]
    lists = [own for name, own in members if name.casefold() in _OF_PATIENTS and _may_be_ids(own)]
    vectors = [own for _, own in members if isinstance(own, h5py.Group) or _is_matrix(own)]
    if not len(others) == len(lists) == len(vectors) == 1:
        return ""
    name, own = others[0]
    if not _is_matrix(own) or own.shape[0] != lists[0].shape[0]:
        return ""
    patients = {each for block in text_blocks(lists[0]) for each in block}
    return name if len(patients) > 1 and name not in patients else ""


def _may_be_table(members: Sequence[_Member]) -> bool:
    """Return whether rows of a table may lie here: ids by name, or texts as long as vectors."""
    lengths = {own.shape[0] for _, own in members if _is_matrix(own)}
    return _has_ids(members) or any(
        _may_be_ids(own) and own.shape[0] in lengths and name.casefold() not in COLUMNS
        for name, own in members
    )


def _is_matrix(member: Any) -> bool:  # noqa: ANN401 - h5py ships no types
    is_data = isinstance(member, h5py.Dataset)
    return is_data and member.ndim == 2 and member.dtype.kind == "f"


def _may_be_ids(member: Any) -> bool:  # noqa: ANN401 - h5py ships no types
    is_data = isinstance(member, h5py.Dataset)
    return is_data and member.ndim == 1 and is_text(member) and not foreign(member)


def _has_ids(members: Sequence[_Member]) -> bool:
    """Return whether a group is a part of the cohort, with ids under a documented name."""
    return any(name.casefold() in IDS and _may_be_ids(own) for name, own in members)


def _kind(member: Any) -> object:  # noqa: ANN401 - h5py ships no types
    """Return what members must agree in to be told together."""
    if isinstance(member, h5py.Dataset):
        return (member.shape[-1:], str(member.dtype))
    return type(member)


def _one(member: Any, file: str, place: str) -> HdfData:  # noqa: ANN401 - h5py ships no types
    if not isinstance(member, h5py.Dataset):
        return HdfData(file=file, name=place, kind="link to elsewhere")
    kind = "text" if h5py.check_string_dtype(member.dtype) is not None else str(member.dtype)
    ids, repeated = {}, False
    problem = foreign(member)
    if _may_be_ids(member):
        ids, repeated = _ids(member)
    return HdfData(
        file=file, name=place, kind=kind, shape=tuple(member.shape), ids=ids, repeated=repeated,
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


def _together(alike: Sequence[_Member], file: str, prefix: str) -> HdfData:
    """Return members of one kind as one line, by the first of them; their names are not told."""
    first = alike[0][1]
    held = _held(first, file) if isinstance(first, h5py.Group) else None
    own = held if isinstance(first, h5py.Group) else _one(first, file, "")
    part = isinstance(first, h5py.Group) and _has_ids(_members(first))
    shapes = Counter(id_shape(name) for name, _ in alike)
    count = f"({len(alike)} member{'s' if len(alike) > 1 else ''})"
    return HdfData(
        file=file,
        name=f"{prefix}{count}{f'/{held.name}' if held else ''}",
        kind=own.kind if own else "group",
        shape=own.shape if own else (),
        problem=own.problem if own else "",
        ids=dict(shapes.most_common(_SHAPES)),
        group=prefix.strip("/"),
        inner=held.name if held else "",
        members=len(alike),
        nested=bool(held and (held.members or part)),
    )


def _held(group: h5py.Group, file: str) -> HdfData | None:
    """Return what may be the vectors of a patient: rather a matrix, rather of a documented name."""
    floats = [
        each
        for each in listed(group, file, tables=False)
        if each.kind.startswith("float") and each.name.casefold() not in QUALITY
    ]
    return max(floats, key=lambda each: (len(each.shape), not each.members), default=None)
