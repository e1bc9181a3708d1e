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
    """Reads signals back from the shards of an ingest stage, through a memory map of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shard = -1
        self._flat: dict[str, npt.NDArray[np.generic]] = {}

    def _map(self, shard: int) -> None:
        path = self._folder / f"{shard:05d}.h5"
        self.close()
        with h5py.File(path, "r") as file:
            for dtype, data in cast(h5py.Group, file["ecg"]).items():
                place = cast(h5py.Dataset, data).id.get_offset()
                if place is None:
                    raise InputError(f"shard '{path.name}' is not contiguous; ingest again")
                mapped = np.memmap(path, data.dtype, mode="r", offset=place, shape=data.shape)
                self._flat[dtype] = np.asarray(mapped)
        self._shard = shard

    def read(self, cells: dict[str, Any]) -> Signal:
        """Return the signal that the manifest cells describe; its values cannot be written to."""
        leads = tuple(cells["ecg_leads"])
        start, samples = int(cells["ecg_start"]), int(cells["ecg_samples"])
        if int(cells["ecg_shard"]) != self._shard:
            self._map(int(cells["ecg_shard"]))
        flat = self._flat[str(cells["ecg_dtype"])][start : start + len(leads) * samples]
        return Signal(
            values=flat.reshape(len(leads), samples),
            fs=float(cells["ecg_fs"]),
            leads=leads,
            unit=str(cells["ecg_unit"]),
            lsb=np.asarray(cells["ecg_lsb"], dtype=np.float64),
            offset=np.asarray(cells["ecg_offset"], dtype=np.float64),
        )

    def close(self) -> None:
        """Let go of the shard that is mapped."""
        self._flat.clear()
        self._shard = -1
