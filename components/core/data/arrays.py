"""Modalities of one fixed shape a record: images, spectrograms, embeddings.

Written once by preprocess as contiguous HDF5 data sets, one per shard, in the type that the source
allows (8-bit pixels, half-precision decibels), then read as memory maps: random rows at the speed
of the page cache. A record that lacks the modality has no row.

A modality may consist of several windows a record (heart sounds of several sites, cut into
seconds; patches of a slide); then `valid` says which of them are there. An embedding may come with
a quality a record, from the manifest's `quality.<modality>`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.base import Frozen
from components.core.errors import InputError
from components.core.modalities import ARRAYS, SPOKEN, ArrayModality
from components.core.schemas import QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX, SHARDS
from components.core.signals.normalise import Moments

Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]
# Numbers that are read at a time where statistics are made of the values themselves.
_BLOCK = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayShard:
    """What one shard of an array modality holds; `n` records that have it.

    Attributes:
        values: `[n, *shape]` of any numeric type.
        valid: `[n, W]` which windows are there, `W` being the first of `shape`; None where a record
            is one piece.
        moments: `[n, C, 3]` count (of entries that are no NaN), mean and sum of squared deviations
            of each channel; None where they take more room than the values (vectors), and are
            made of these when they are asked for.
        axis: of `shape`, which the channels run along.
        facts: attributes for people: rate, sizes, units.
    """

    values: AnyArray
    valid: Flags | None
    moments: npt.NDArray[np.float64] | None
    axis: int
    facts: Mapping[str, object]


class ArrayStats(Frozen):
    """Mean and SD of each channel over a training part.

    Attributes:
        axis: of a record's array, which the channels run along.
        shape: of a record's array.
        mean: of each channel.
        sd: likewise; 1 where a channel is constant.
    """

    axis: int
    shape: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]


def channel_moments(values: AnyArray, axis: int) -> npt.NDArray[np.float64]:
    """Return `[C, 3]` count, mean and sum of squared deviations of each channel of one record.

    Entries that are NaN (missing) do not count.

    Args:
        values: of the record; of several windows those alone that are there.
        axis: which the channels run along.
    """
    flat = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1).astype(np.float64)
    if np.isnan(flat.sum()):
        return _moments_of_known(flat)
    mean = flat.mean(axis=1)
    squares = ((flat - mean[:, None]) ** 2).sum(axis=1)
    return np.stack([np.full(len(flat), flat.shape[1], np.float64), mean, squares], axis=1)


def _moments_of_known(flat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(flat)
    count = known.sum(axis=1).astype(np.float64)
    mean = np.where(known, flat, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = (np.where(known, flat - mean[:, None], 0.0) ** 2).sum(axis=1)
    return np.stack([count, mean, squares], axis=1)


def write_array(path: Path, shard: ArrayShard) -> None:
    """Write one shard."""
    with h5py.File(path, "w") as file:
        file.create_dataset("values", data=shard.values)
        if shard.moments is not None:
            file.create_dataset("moments", data=shard.moments)
        if shard.valid is not None:
            file.create_dataset("valid", data=shard.valid)
        file.attrs["axis"] = shard.axis
        for name, value in shard.facts.items():
            file.attrs[name] = value


class ArrayReader:
    """Random rows of a modality's shards.

    Args:
        folder: of the modality (`shard_folder`), whose name it has.
        shards: shard numbers in use, at least one.

    Raises:
        InputError: a shard is missing or damaged.
    """

    def __init__(self, folder: Path, shards: list[int]) -> None:
        self._values: dict[int, AnyArray] = {}
        self._valid: dict[int, Flags] = {}
        self._moments: dict[int, npt.NDArray[np.float64]] = {}
        self.name, self.axis = folder.name, 0
        for shard in shards:
            self._open(shard, folder / f"{shard:05d}.h5")
        first = next(iter(self._values.values()))
        self.shape: tuple[int, ...] = first.shape[1:]

    def _open(self, shard: int, path: Path) -> None:
        try:
            with h5py.File(path, "r") as file:
                self._map(shard, path, file)
        except (OSError, KeyError) as error:
            raise InputError(
                f"shard '{path.parent.name}/{path.name}' cannot be read; prepare the cohort again"
            ) from error

    def _map(self, shard: int, path: Path, file: h5py.File) -> None:
        data = cast(h5py.Dataset, file["values"])
        start = data.id.get_offset()
        if start is None:
            raise InputError(f"shard '{path.name}' is not contiguous; prepare the cohort again")
        mapped = np.memmap(path, dtype=data.dtype, mode="r", offset=start, shape=data.shape)
        # A plain view of the same pages: taking a row of a memmap costs 45 times as much.
        self._values[shard] = np.asarray(mapped)
        if "moments" in file:
            self._moments[shard] = cast(h5py.Dataset, file["moments"])[:]
        if "valid" in file:
            self._valid[shard] = cast(h5py.Dataset, file["valid"])[:]
        self.axis = int(cast(int, file.attrs["axis"]))

    @property
    def windowed(self) -> bool:
        """Return whether a record has several windows."""
        return bool(self._valid)

    def values(self, shard: Index, row: Index) -> AnyArray:
        """Return `[B, *shape]` of the named rows, in the order asked for; 0 where `shard` is −1."""
        return self._gathered(self._values, shard, row)

    def valid(self, shard: Index, row: Index) -> Flags:
        """Return `[B, W]` which windows are there; none where `shard` is −1."""
        return self._gathered(self._valid, shard, row)

    def moments(self, shard: Index, row: Index) -> npt.NDArray[np.float64]:
        """Return `[m, C, 3]` of records that have the modality; of vectors a block is one of `m`."""
        if self._moments:
            return self._gathered(self._moments, shard, row)
        return np.stack(
            [self._block_moments(shard[part], row[part]) for part in _parts(len(row), self.shape)]
        )

    def _block_moments(self, shard: Index, row: Index) -> npt.NDArray[np.float64]:
        values = self.values(shard, row)
        kept = values[self.valid(shard, row)] if self.windowed else values
        return channel_moments(kept, kept.ndim - values.ndim + 1 + self.axis)

    @staticmethod
    def _gathered(parts: Mapping[int, AnyArray], shard: Index, row: Index) -> AnyArray:
        first = next(iter(parts.values()))
        out = np.zeros((len(row), *first.shape[1:]), dtype=first.dtype)
        numbers, places = shard.tolist(), row.tolist()
        for place in np.lexsort((row, shard)).tolist():  # ascending offsets; one memcpy a record
            if numbers[place] >= 0:
                out[place] = parts[numbers[place]][places[place]]
        return out


def _parts(count: int, shape: tuple[int, ...]) -> list[slice]:
    """Return the blocks that records are read in, so that memory holds one of them."""
    step = max(1, _BLOCK // math.prod(shape))
    return [slice(first, first + step) for first in range(0, count, step)]


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayPart:
    """One array modality of `n` records.

    Attributes:
        reader: of its shards.
        shard: `[n]` shard numbers, −1 where a record lacks it.
        row: `[n]` rows within the shards.
        quality: `[n]` in [0, 1], 0 where a record lacks it; None of a modality without qualities.
    """

    reader: ArrayReader
    shard: Index
    row: Index
    quality: npt.NDArray[np.float32] | None = None

    @cached_property
    def there(self) -> Flags:
        """Return `[n]` whether each record has it."""
        return self.shard >= 0

    def take(self, index: npt.NDArray[np.int64] | Flags) -> ArrayPart:
        """Return the named records, in that order."""
        quality = None if self.quality is None else self.quality[index]
        return replace(self, shard=self.shard[index], row=self.row[index], quality=quality)

    def values(self, index: Index) -> AnyArray:
        """Return `[B, *shape]` as stored; 0 where a record lacks it."""
        return self.reader.values(self.shard[index], self.row[index])

    def valid(self, index: Index) -> Flags | None:
        """Return `[B, W]` which windows are there; None where a record is one piece."""
        if not self.reader.windowed:
            return None
        return self.reader.valid(self.shard[index], self.row[index])

    def moments(self) -> npt.NDArray[np.float64]:
        """Return `[m, C, 3]` of the records that have it, one by one or by blocks."""
        return self.reader.moments(self.shard[self.there], self.row[self.there])


Arrays = Mapping[ArrayModality, ArrayPart]


def shard_folder(stage: Path, name: ArrayModality) -> Path:
    """Return where the shards of an array modality lie in a stage's folder."""
    return stage / SHARDS / name


def open_arrays(stage: Path, rows: pd.DataFrame) -> dict[ArrayModality, ArrayPart]:
    """Return the array modalities of a prepared cohort for some rows of its manifest.

    One that none of the rows has is among them, too: every part of a cohort has the same batches.
    """
    found: dict[ArrayModality, ArrayPart] = {}
    for name in ARRAYS:
        folder = shard_folder(stage, name)
        if f"{SHARD_PREFIX}{name}" not in rows or not folder.is_dir():
            continue
        shard = rows[f"{SHARD_PREFIX}{name}"].fillna(-1).to_numpy(np.int64)
        row = rows[f"{ROW_PREFIX}{name}"].fillna(-1).to_numpy(np.int64)
        used = sorted({int(number) for number in shard if number >= 0})
        reader = ArrayReader(folder, used or [_first(folder)])
        found[name] = ArrayPart(reader=reader, shard=shard, row=row, quality=_quality(rows, name))
    return found


def array_dtype(folder: Path) -> np.dtype[Any]:
    """Return the type that a modality's shards hold.

    Args:
        folder: of the modality (`shard_folder`).

    Raises:
        InputError: a shard is missing or damaged.
    """
    nobody = np.empty(0, np.int64)
    return ArrayReader(folder, [_first(folder)]).values(nobody, nobody).dtype


def _quality(rows: pd.DataFrame, name: ArrayModality) -> npt.NDArray[np.float32] | None:
    column = f"{QUALITY_PREFIX}{name}"
    return rows[column].fillna(0).to_numpy(np.float32) if column in rows else None


def _first(folder: Path) -> int:
    return min(int(file.stem) for file in folder.glob("*.h5"))


def array_stats(part: ArrayPart) -> ArrayStats:
    """Return mean and SD of each channel over the records that have the modality.

    Raises:
        InputError: none of them has it.
    """
    if not part.there.any():
        raise InputError(
            f"no record of a training part has {SPOKEN[part.reader.name]}; leave "
            f"'{part.reader.name}' out of preprocess.modalities or bring more data"
        )
    together = Moments.pooled(part.moments())
    sd = np.sqrt(together.squares / np.maximum(together.count, 1))
    return ArrayStats(
        axis=part.reader.axis,
        shape=part.reader.shape,
        mean=tuple(together.mean.tolist()),
        sd=tuple(np.where(sd > 0, sd, 1.0).tolist()),
    )
