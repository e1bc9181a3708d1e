"""Signals of any length, rate and lead count in one HDF5 file, in the dtype their device gave."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.signals.signal import Signal

DTYPES = ("int16", "float16", "float32")


class RaggedWriter:
    """Collects signals and writes them as one flat, contiguous data set per dtype."""

    def __init__(self) -> None:
        self._parts: dict[str, list[npt.NDArray[np.generic]]] = {}
        self._length: dict[str, int] = {}

    def add(self, signal: Signal) -> dict[str, Any]:
        """Take a signal in and return its manifest cells (`ecg_…` without the shard number)."""
        dtype = str(signal.values.dtype)
        if dtype not in DTYPES:
            raise InputError(f"a signal has dtype {dtype}; readers return one of {DTYPES}")
        start = self._length.get(dtype, 0)
        flat = np.ascontiguousarray(signal.values).reshape(-1)
        self._parts.setdefault(dtype, []).append(flat)
        self._length[dtype] = start + flat.size
        return {
            "ecg_dtype": dtype,
            "ecg_start": start,
            "ecg_samples": signal.samples,
            "ecg_fs": float(signal.fs),
            "ecg_unit": signal.unit,
            "ecg_leads": list(signal.leads),
            "ecg_lsb": signal.lsb.tolist(),
            "ecg_offset": signal.offset.tolist(),
            "ecg_sha256": content_hash(signal),
        }

    def write(self, path: Path) -> None:
        """Write everything taken in."""
        with h5py.File(path, "w") as file:
            group = file.create_group("ecg")
            for dtype, parts in self._parts.items():
                group.create_dataset(dtype, data=np.concatenate(parts))


def content_hash(signal: Signal) -> str:
    """Return the sha256 of the samples with all that gives them meaning."""
    total = hashlib.sha256(np.ascontiguousarray(signal.values).data)
    meaning = (str(signal.values.dtype), signal.fs, signal.leads, signal.unit)
    total.update(repr((*meaning, signal.lsb.tolist(), signal.offset.tolist())).encode())
    return total.hexdigest()


class RaggedReader:
    """Reads signals back from the shards of an ingest stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: tuple[int, h5py.File] | None = None
        self._data: dict[str, h5py.Dataset] = {}

    def _dataset(self, shard: int, dtype: str) -> h5py.Dataset:
        if self._open is None or self._open[0] != shard:
            self.close()
            self._open = (shard, h5py.File(self._folder / f"{shard:05d}.h5", "r"))
        # Opening a data set takes several times as long as reading a recording out of it.
        if dtype not in self._data:
            self._data[dtype] = cast(h5py.Dataset, cast(h5py.Group, self._open[1]["ecg"])[dtype])
        return self._data[dtype]

    def read(self, cells: dict[str, Any]) -> Signal:
        """Return the signal that the manifest cells describe."""
        leads = tuple(cells["ecg_leads"])
        start, samples = int(cells["ecg_start"]), int(cells["ecg_samples"])
        data = self._dataset(int(cells["ecg_shard"]), str(cells["ecg_dtype"]))
        flat = data[start : start + len(leads) * samples]
        return Signal(
            values=flat.reshape(len(leads), samples),
            fs=float(cells["ecg_fs"]),
            leads=leads,
            unit=str(cells["ecg_unit"]),
            lsb=np.asarray(cells["ecg_lsb"], dtype=np.float64),
            offset=np.asarray(cells["ecg_offset"], dtype=np.float64),
        )

    def close(self) -> None:
        """Close the file that is open."""
        if self._open is not None:
            self._data.clear()
            self._open[1].close()
            self._open = None
