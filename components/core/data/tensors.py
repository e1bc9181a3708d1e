"""Fixed-length int16 ECG shards: written once, then read as memory maps of the HDF5 files.

A contiguous HDF5 data set is one byte range of its file, so a memory map over that range gives
random rows at the speed of the page cache, without a call into the HDF5 library per record.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError

T = TypeVar("T", bound=np.generic)
_DATASETS = ("ecg", "scale", "lead_mask", "valid", "moments")


def write_tensors(
    path: Path,
    *,
    ecg: npt.NDArray[np.int16],
    scale: npt.NDArray[np.float32],
    lead_mask: npt.NDArray[np.bool_],
    valid: npt.NDArray[np.int32],
    moments: npt.NDArray[np.float64],
    facts: dict[str, object],
) -> None:
    """Write one shard.

    Args:
        path: of the HDF5 file.
        ecg: `[n, leads, length]` counts.
        scale: `[n, leads]` unit per count.
        lead_mask: `[n, leads]`, True where the lead was recorded and is not flat.
        valid: `[n, 2]` first real sample and the one after the last; the rest is padding.
        moments: `[n, leads, 3]` count, mean and sum of squared deviations over real samples.
        facts: attributes: `fs` in Hz, `leads`, `unit`.
    """
    with h5py.File(path, "w") as file:
        file.create_dataset("ecg", data=ecg)
        file.create_dataset("scale", data=scale)
        file.create_dataset("lead_mask", data=lead_mask)
        file.create_dataset("valid", data=valid)
        file.create_dataset("moments", data=moments)
        for name, value in facts.items():
            file.attrs[name] = value


class TensorReader:
    """Random rows of a prepared cohort's ECG shards.

    Args:
        folder: the stage's `shards/` folder.
        shards: shard numbers in use.
    """

    def __init__(self, folder: Path, shards: list[int]) -> None:
        self._ecg: dict[int, npt.NDArray[np.int16]] = {}
        self._scale: dict[int, npt.NDArray[np.float32]] = {}
        self._mask: dict[int, npt.NDArray[np.bool_]] = {}
        self._valid: dict[int, npt.NDArray[np.int32]] = {}
        self._moments: dict[int, npt.NDArray[np.float64]] = {}
        for shard in shards:
            self._open(shard, folder / f"{shard:05d}.h5")

    def _open(self, shard: int, path: Path) -> None:
        with h5py.File(path, "r") as file:
            missing = [n for n in _DATASETS if n not in file]
            if missing:
                raise InputError(f"shard '{path.name}' lacks {', '.join(missing)}; prepare again")
            data = cast(h5py.Dataset, file["ecg"])
            start = data.id.get_offset()
            if start is None:
                raise InputError(f"shard '{path.name}' is not contiguous; prepare it again")
            self._ecg[shard] = np.memmap(path, dtype=np.int16, mode="r", offset=start,
                                         shape=data.shape)  # fmt: skip
            self._scale[shard] = cast(h5py.Dataset, file["scale"])[:]
            self._mask[shard] = cast(h5py.Dataset, file["lead_mask"])[:]
            self._valid[shard] = cast(h5py.Dataset, file["valid"])[:]
            self._moments[shard] = cast(h5py.Dataset, file["moments"])[:]

    def ecg(
        self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int16]:
        """Return `[B, leads, length]` counts of the named rows, in the order asked for."""
        shape = next(iter(self._ecg.values())).shape[1:]
        out = np.empty((len(row), *shape), dtype=np.int16)
        order = np.lexsort((row, shard))
        for position in order:  # ascending file offsets; one memcpy a record
            out[position] = self._ecg[int(shard[position])][int(row[position])]
        return out

    def scale(
        self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return `[B, leads]` unit per count."""
        return _gather(self._scale, shard, row)

    def lead_mask(
        self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Return `[B, leads]`, True where the lead is there."""
        return _gather(self._mask, shard, row)

    def valid(
        self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int32]:
        """Return `[B, 2]` first real sample and the one after the last."""
        return _gather(self._valid, shard, row)

    def moments(
        self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return `[B, leads, 3]` count, mean and squared deviations over real samples."""
        return _gather(self._moments, shard, row)


def _gather(
    parts: dict[int, npt.NDArray[T]], shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]
) -> npt.NDArray[T]:
    first = next(iter(parts.values()))
    out = np.empty((len(row), *first.shape[1:]), dtype=first.dtype)
    for number in np.unique(shard):
        chosen = shard == number
        out[chosen] = parts[int(number)][row[chosen]]
    return out
