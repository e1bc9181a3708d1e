"""The layout `groups`: one group or data set per patient, whose name is the patient's id."""

from __future__ import annotations

from collections import Counter
from typing import Any

import h5py
import numpy as np

from components.core.embedding_files.ids import IdRule, normalised
from components.core.embedding_files.layout import Layout
from components.core.embedding_files.places import (
    Places,
    column_names,
    mean_quality,
    member,
    vectors,
)
from components.core.errors import InputError
from components.core.readers.hdf5 import foreign, own_member


def index_groups(
    file: h5py.File, layout: Layout, where: str
) -> tuple[dict[str, Places], tuple[str, ...]]:
    """Return patient → places, and the names of the columns.

    Raises:
        InputError: a patient's data set is missing or of another type, vectors differ in width or
            type, ids collide, or a patient has several vectors although `patches` is not declared.
    """
    root = own_member(file, layout.ids)
    if not isinstance(root, h5py.Group):
        raise InputError(
            f"'{where}' has no group '{layout.ids}' of patients; declare it as 'ids', empty for "
            "the file itself"
        )
    names = [str(name) for name in root if f"{layout.ids}/{name}".strip("/") != layout.columns]
    rule = IdRule(pattern=layout.id_pattern, strip_zeros=layout.strip_zeros)
    patients = normalised(names, rule, where)
    kinds: Counter[tuple[int, str]] = Counter()
    places: dict[str, Places] = {}
    for name in names:
        data = _data(root, name, layout, where)
        kinds[int(data.shape[-1]), str(data.dtype)] += 1
        count = 1 if data.ndim == 1 else int(data.shape[0])
        places[patients[name]] = Places(
            dataset=str(data.name),
            numbers=np.arange(count),
            quality=_quality(root[name], data, layout.quality, where),
        )
    _check_kinds(kinds, where)
    _check_counts(places, layout, where)
    width = next(iter(kinds), (0, ""))[0]
    return places, column_names(file, layout.columns, width, where)


def _data(root: h5py.Group, name: str, layout: Layout, where: str) -> Any:  # noqa: ANN401
    own = own_member(root, name)
    if isinstance(own, h5py.Group):
        return vectors(member(own, layout.embeddings, where), where)
    # Not by `member`: its sentences quote the name, which is a patient's id.
    if not isinstance(own, h5py.Dataset):
        raise InputError(
            f"a patient of '{where}' is a link or a type instead of a group or data set; write the "
            "vectors into the file"
        )
    return vectors(_inside(own, "vectors", where), where)


def _inside(data: Any, what: str, where: str) -> Any:  # noqa: ANN401
    if reason := foreign(data):
        raise InputError(f"the {what} of a patient of '{where}' {reason}; write it into the file")
    return data


def _quality(own: Any, data: Any, name: str, where: str) -> float:  # noqa: ANN401
    """Return a patient's quality: a data set of its group, or an attribute."""
    if not name:
        return 1.0
    held = own_member(own, name)
    if isinstance(held, h5py.Dataset):
        found = _inside(held, "quality", where)[()]
    else:
        found = own.attrs.get(name, data.attrs.get(name))
    if found is None or np.size(found) == 0 or np.asarray(found).dtype.kind not in "fiu":
        raise InputError(
            f"a patient of '{where}' has no number '{name}'; write a quality for each, or declare "
            "none"
        )
    return mean_quality(found)


def _check_kinds(kinds: Counter[tuple[int, str]], where: str) -> None:
    if len(kinds) > 1:
        told = ", ".join(
            f"{width} in {dtype} of {count} patients"
            for (width, dtype), count in kinds.most_common()
        )
        raise InputError(
            f"the embeddings of '{where}' differ in width or type ({told}); bring them to one"
        )


def _check_counts(places: dict[str, Places], layout: Layout, where: str) -> None:
    empty = sum(len(each.numbers) == 0 for each in places.values())
    several = sum(len(each.numbers) > 1 for each in places.values())
    if empty:
        raise InputError(f"{empty} patients of '{where}' have no vector; leave them out")
    if several and not layout.patches:
        raise InputError(
            f"{several} patients of '{where}' have several vectors; declare 'patches: true', or "
            "leave one of each"
        )
