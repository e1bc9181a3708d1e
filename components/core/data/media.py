"""Pictures and sounds as ingest keeps them: pieces of any length in one HDF5 file per shard.

A picture is its file's own bytes, a sound its samples as read, at its own rate. Written one record
at a time, since a chunk of photographed pages would not fit into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.readers.audio import Sound
from components.core.readers.image import Picture, read_image
from components.core.readers.rawfile import MemoryFile

_DTYPES = ("uint8", "int16", "float32")
# Elements by which a data set grows: a megabyte of a compressed page, four of float samples.
_GROWTH = 1 << 20
_INDEX = np.dtype(
    [("record", "<i4"), ("dtype", "<i1"), ("start", "<i8"), ("length", "<i8"), ("fs", "<f8"),
     ("lsb", "<f8")]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """One file's content.

    Attributes:
        values: `[n]` uint8 bytes of a picture's file, or int16 or float32 samples of a sound.
        fs: rate of a sound in Hz; 0 of a picture.
        lsb: of full scale per count of a sound; 1 of a picture.
    """

    values: npt.NDArray[Any]
    fs: float = 0.0
    lsb: float = 1.0


class MediaWriter:
    """Writes one shard, a record at a time; open it by `growing.written`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._index: list[tuple[object, ...]] = []
        self._records = 0

    def finish(self) -> None:
        """Write the table of the shard."""
        self._file.create_dataset("index", data=np.array(self._index, _INDEX))

    def add(self, pieces: Sequence[Piece]) -> int:
        """Take in the pieces of one record and return its row in the shard."""
        row = self._records
        for piece in pieces:
            name = str(piece.values.dtype)
            if name not in _DTYPES:
                raise InputError(f"a picture or sound has dtype {name}; readers return {_DTYPES}")
            start = self._append(name, piece.values)
            own = (row, _DTYPES.index(name), start, piece.values.size, piece.fs, piece.lsb)
            self._index.append(own)
        self._records += 1
        return row

    def _append(self, name: str, values: npt.NDArray[Any]) -> int:
        if name not in self._file:
            self._file.create_dataset(
                name, shape=(0,), maxshape=(None,), dtype=name, chunks=(_GROWTH,)
            )
        data = cast(h5py.Dataset, self._file[name])
        start = int(data.shape[0])
        data.resize((start + values.size,))
        data[start:] = values
        return start


class MediaReader:
    """Reads pictures and sounds back from the shards of an ingest stage.

    Args:
        folder: of the modality (`arrays.shard_folder`).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shard = -1
        self._file: h5py.File | None = None
        self._index = np.zeros(0, _INDEX)

    def pieces(self, shard: int, row: int) -> list[Piece]:
        """Return what a record has, in the order of the source.

        Raises:
            InputError: the shard is missing or damaged.
        """
        path = self._folder / f"{shard:05d}.h5"
        try:
            file = self._opened(shard, path)
            own = self._index[self._index["record"] == row]
            return [self._piece(file, each) for each in own]
        except (OSError, KeyError) as error:
            raise InputError(
                f"shard '{path.parent.name}/{path.name}' cannot be read; ingest again"
            ) from error

    def _opened(self, shard: int, path: Path) -> h5py.File:
        if self._file is None or shard != self._shard:
            self.close()
            self._file = h5py.File(path, "r")
            self._index = cast(h5py.Dataset, self._file["index"])[:]
            self._shard = shard
        return self._file

    @staticmethod
    def _piece(file: h5py.File, own: Any) -> Piece:  # noqa: ANN401 - a row of a structured array
        data = cast(h5py.Dataset, file[_DTYPES[int(own["dtype"])]])
        start = int(own["start"])
        values = data[start : start + int(own["length"])]
        return Piece(values=values, fs=float(own["fs"]), lsb=float(own["lsb"]))

    def picture(self, shard: int, row: int) -> Picture:
        """Return a record's picture, decoded."""
        (piece,) = self.pieces(shard, row)
        return read_image(MemoryFile("page", piece.values.tobytes(), {}))

    def sounds(self, shard: int, row: int) -> list[Sound]:
        """Return a record's sounds."""
        return [Sound(values=p.values, fs=p.fs, lsb=p.lsb) for p in self.pieces(shard, row)]

    def close(self) -> None:
        """Let go of the shard that is open."""
        if self._file is not None:
            self._file.close()
        self._file = None


def picture_hash(picture: Picture) -> str:
    """Return the sha256 of the pixels: the same page as PNG and as BMP is the same."""
    total = hashlib.sha256(repr(picture.pixels.shape).encode())
    total.update(np.ascontiguousarray(picture.pixels).data)
    return total.hexdigest()


def sound_hash(sound: Sound) -> str:
    """Return the sha256 of the samples with what gives them meaning."""
    total = hashlib.sha256(repr((str(sound.values.dtype), sound.fs, sound.lsb)).encode())
    total.update(np.ascontiguousarray(sound.values).data)
    return total.hexdigest()


def joint_hash(hashes: Sequence[str]) -> str:
    """Return the hash of a record's files, whatever their order; of one file its own."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
