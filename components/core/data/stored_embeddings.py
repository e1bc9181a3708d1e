"""Embeddings as ingest keeps them: of each record `[P, W]` vectors, one HDF5 file per shard.

Letters: `P` vectors of a record (patches of a slide; 1 where it has one), `W` width.

`values` holds the vectors of all records one after another in the source's float type, `offsets`
`[n + 1]` where each record's begin. Written one record at a time, since the patches of a chunk of
slides would not fit into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError

Floats = npt.NDArray[np.floating]
DTYPES = ("float16", "float32", "float64")
# Bytes of a piece of the file: 32 vectors of 512 numbers, read in whole.
_PIECE = 1 << 16
# Bytes that wait in memory: one call of HDF5 for many vectors is far faster than one each.
_WRITTEN_AT_ONCE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Described:
    """What shards of a modality hold.

    Attributes:
        width: numbers of a vector.
        dtype: name of the float type as stored.
        columns: `width` names, where the source knows them; else empty.
        most: vectors of the record that has most.
    """

    width: int
    dtype: str
    columns: tuple[str, ...]
    most: int


class EmbeddingWriter:
    """Writes one shard, a record at a time; open it by `growing.written`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._data: h5py.Dataset | None = None
        self._waiting: list[Floats] = []
        self._waiting_bytes = 0
        self._offsets = [0]
        self._columns: tuple[str, ...] = ()

    def finish(self) -> None:
        """Write what waits, and the tables of the shard."""
        self._flush()
        names = list(self._columns)
        self._file.create_dataset("offsets", data=np.array(self._offsets, np.int64))
        self._file.create_dataset("columns", data=names, dtype=h5py.string_dtype())

    def add(self, values: Floats, columns: tuple[str, ...] = ()) -> int:
        """Take in the vectors of one record and return its row in the shard.

        Args:
            values: `[P, W]`, P at least 1; NaN is a missing entry.
            columns: `W` names or none.

        Raises:
            InputError: width, type or names are not those of the records before.
        """
        if self._data is None:
            self._data, self._columns = self._created(values), columns
        own, first = (values.shape[1], str(values.dtype), columns), self._data
        known = (first.shape[1], str(first.dtype), self._columns)
        if own != known:
            raise InputError(
                f"an embedding of width {own[0]} in {own[1]} stands among those of width "
                f"{known[0]} in {known[1]}{_names(columns, self._columns)}; bring all embeddings "
                "of a modality to one width, type and order of columns"
            )
        self._waiting.append(values)
        self._waiting_bytes += values.nbytes
        self._offsets.append(self._offsets[-1] + len(values))
        if self._waiting_bytes >= _WRITTEN_AT_ONCE:
            self._flush()
        return len(self._offsets) - 2

    def _flush(self) -> None:
        if self._data is not None and self._waiting:
            start = int(self._data.shape[0])
            self._data.resize(self._offsets[-1], axis=0)
            self._data[start:] = np.concatenate(self._waiting)
            self._waiting, self._waiting_bytes = [], 0

    def _created(self, values: Floats) -> h5py.Dataset:
        if str(values.dtype) not in DTYPES:
            raise InputError(f"an embedding has dtype {values.dtype}; sources give one of {DTYPES}")
        width = values.shape[1]
        rows = max(1, _PIECE // (width * values.dtype.itemsize))
        return self._file.create_dataset(
            "values", shape=(0, width), maxshape=(None, width), dtype=values.dtype,
            chunks=(rows, width),
        )  # fmt: skip


def _names(own: tuple[str, ...], known: tuple[str, ...]) -> str:
    return " under other column names" if own != known else ""


class EmbeddingReader:
    """Reads vectors back from one shard of an ingest stage.

    Args:
        path: of the shard; it is closed on leaving the context.

    Raises:
        InputError: the shard is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> EmbeddingReader:
        try:
            self._file = h5py.File(self._path, "r")
            self.offsets = cast("npt.NDArray[np.int64]", _data(self._file, "offsets")[:])
            names = _data(self._file, "columns").asstr()[:]
        except (OSError, KeyError) as error:
            raise _damaged(self._path) from error
        self.columns = tuple(str(name) for name in names)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def described(self) -> Described | None:
        """Return what the shard holds; None of one without a vector."""
        if len(self) == 0:
            return None
        data = _data(self._file, "values")
        return Described(
            width=int(data.shape[1]),
            dtype=str(data.dtype),
            columns=self.columns,
            most=int(np.diff(self.offsets).max()),
        )

    @property
    def vector_bytes(self) -> int:
        """Return the bytes of one vector; 0 of a shard without any."""
        own = self.described()
        return 0 if own is None else own.width * np.dtype(own.dtype).itemsize

    def vectors(self, first: int, stop: int) -> Floats:
        """Return the vectors of the records from `first` up to `stop`, one after another.

        Raises:
            InputError: the shard is damaged.
        """
        start, end = (int(self.offsets[row]) for row in (first, stop))
        try:
            return cast(Floats, _data(self._file, "values")[start:end])
        except (OSError, KeyError) as error:
            raise _damaged(self._path) from error


def _data(file: h5py.File, name: str) -> Any:  # noqa: ANN401 - h5py's stubs know no data set
    return file[name]


def _damaged(path: Path) -> InputError:
    return InputError(f"shard '{path.parent.name}/{path.name}' cannot be read; ingest again")


def stored_embedding(folder: Path, shard: int, row: int) -> Floats:
    """Return `[P, W]` the vectors of one record.

    Args:
        folder: of the modality (`arrays.shard_folder`).
        shard: number of its shard.
        row: within it.

    Raises:
        InputError: the shard is missing or damaged.
    """
    with EmbeddingReader(folder / f"{shard:05d}.h5") as reader:
        return reader.vectors(row, row + 1)


def describe(folder: Path, shards: Iterable[int]) -> Described:
    """Return what the shards of a modality hold together.

    Args:
        folder: of the modality.
        shards: numbers of those in use, at least one with a vector.

    Raises:
        InputError: a shard is missing or damaged, or they differ in width or columns.
    """
    found: list[Described] = []
    for number in shards:
        with EmbeddingReader(folder / f"{number:05d}.h5") as reader:
            found += [each for each in (reader.described(),) if each is not None]
    kinds = {replace(each, most=0, dtype="") for each in found}
    if len(kinds) > 1:
        widths = ", ".join(str(width) for width in sorted({each.width for each in kinds}))
        raise InputError(
            f"the records' embeddings '{folder.name}' differ in width or columns (widths {widths});"
            " bring all embeddings of a modality to one width and order of columns"
        )
    dtype = str(np.result_type(*(each.dtype for each in found)))
    return replace(found[0], dtype=dtype, most=max(each.most for each in found))


def embedding_hash(values: Floats) -> str:
    """Return the sha256 of a record's vectors with their type and shape."""
    total = hashlib.sha256(repr((str(values.dtype), values.shape)).encode())
    total.update(np.ascontiguousarray(values).data)
    return total.hexdigest()
