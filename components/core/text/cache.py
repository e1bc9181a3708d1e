"""Embeddings on disk, found by what they were computed from; shared by any number of processes.

`folder/<identity>/<random>.parquet`: few columnar files, each written once and renamed into place,
so that a reader sees whole files only. A text that two processes embed at once lies in two files,
which is harmless; merging drops one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.files import storage_errors, write_atomic
from components.core.locks import locked
from components.core.text.identity import EncoderIdentity
from components.core.text.shards import (
    KEY_BYTES,
    Bytes,
    Floats,
    Ints,
    Shard,
    keys_of,
    open_shard,
    write_shard,
)

# A merged file holds at most this much, which bounds the memory of merging and of reading.
_SHARD_BYTES = 128 * 2**20
# Small files (below half of that) at which they are merged; opening one takes a millisecond.
_MANY = 32
# A temporary file older than this was left by a killed process: a chunk takes minutes at most.
_STALE_SECONDS = 86_400
_FLOAT_BYTES = 4


class EmbeddingCache:
    """The vectors of one encoder.

    Args:
        folder: of all encoders' caches; made when something is added.
        identity: of the encoder; another one has a folder of its own.
    """

    def __init__(self, folder: Path, identity: EncoderIdentity) -> None:
        self.identity = identity
        self.folder = folder / identity.digest[:32]
        self._shards: dict[str, Shard] = {}

    def lookup(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Return which texts are here `[m]`, and their vectors `[m, H]`, zeros for the others.

        Raises:
            InputError: a file is damaged or has vectors of another width.
        """
        keys = self._keys(texts)
        while True:
            try:
                return self._read(keys)
            except FileNotFoundError:
                continue  # merged by another process between the look and the reading

    def add(self, texts: Sequence[str], vectors: Floats) -> None:
        """Write the vectors `[m, H]` of texts that are not here yet.

        Raises:
            InputError: the vectors have not the encoder's width, are not one per text, or are not
                finite.
            StorageError: the disk is full or the folder not writable.
        """
        self._check(len(texts), vectors)
        keys = self._keys(texts)
        self._refresh()
        new = self._find(keys)[0] < 0
        if not new.any():
            return
        write_shard(self.folder, keys[new], vectors[new])
        self._describe()
        if len(self._small()) >= _MANY:
            self.compact()

    def compact(self) -> None:
        """Merge small files into large ones, and drop what killed processes left behind.

        Others may read and write meanwhile; of several that merge, one works and the rest wait.
        """
        if not self.folder.is_dir():
            return
        with locked(self.folder / ".lock", None):
            self._drop_stale()
            for group in self._groups():
                self._merge(group)
        self._refresh()

    def _keys(self, texts: Sequence[str]) -> Bytes:
        return keys_of(texts, identity=self.identity.digest)

    def _check(self, texts: int, vectors: Floats) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != self.identity.width:
            raise InputError(
                f"vectors of shape {vectors.shape} do not fit an embedding cache of width "
                f"{self.identity.width}; open the cache with the identity of their encoder"
            )
        if len(vectors) != texts:
            raise InputError(f"{texts} texts came with {len(vectors)} vectors; give one for each")
        if not np.isfinite(vectors).all():
            raise InputError(
                "a vector is not finite, so it is not cached; check the encoder's weights"
            )

    def _refresh(self) -> None:
        while True:
            try:
                return self._look()
            except FileNotFoundError:
                continue  # merged by another process between listing and opening

    def _look(self) -> None:
        """Open the files that are new, forget those that are gone."""
        # A link that leads nowhere would be listed and never opened, again and again.
        there = {path.name: path for path in self.folder.glob("*.parquet") if path.exists()}
        kept = {name: shard for name, shard in self._shards.items() if name in there}
        for name in sorted(there.keys() - kept.keys()):
            kept[name] = open_shard(there[name], width=self.identity.width)
        self._shards = kept

    def _find(self, keys: Bytes) -> tuple[Ints, Ints]:
        """Return the number of each key's shard, -1 where it is in none, and its row there."""
        number, row = np.full(len(keys), -1), np.zeros(len(keys), np.int64)
        for i, shard in enumerate(self._shards.values()):
            left = np.flatnonzero(number < 0)
            at = shard.find(keys[left])
            number[left[at >= 0]], row[left[at >= 0]] = i, at[at >= 0]
        return number, row

    def _read(self, keys: Bytes) -> tuple[npt.NDArray[np.bool_], Floats]:
        self._refresh()
        number, row = self._find(keys)
        out = np.zeros((len(keys), self.identity.width), np.float32)
        for i, shard in enumerate(self._shards.values()):
            mine = number == i
            if mine.any():
                out[mine] = shard.vectors()[row[mine]]
        return number >= 0, out

    def _describe(self) -> None:
        """Say for people whose vectors these are."""
        path = self.folder / "identity.json"
        if not path.exists():
            text = self.identity.model_dump_json(indent=2)
            with storage_errors(f"the embedding cache '{self.folder}'"):
                write_atomic(path, lambda part: part.write_text(text, encoding="utf-8"))

    def _limit(self) -> int:
        """Return the most rows of a merged file."""
        return max(1, _SHARD_BYTES // (KEY_BYTES + _FLOAT_BYTES * self.identity.width))

    def _small(self) -> list[Path]:
        self._refresh()
        return [s.path for s in self._shards.values() if 2 * len(s) < self._limit()]

    def _groups(self) -> list[list[Shard]]:
        """Return small shards in groups that each fit one merged file."""
        small = set(self._small())
        groups: list[list[Shard]] = [[]]
        rows = 0
        for shard in self._shards.values():
            if shard.path not in small:
                continue
            if rows + len(shard) > self._limit():
                groups.append([])
                rows = 0
            groups[-1].append(shard)
            rows += len(shard)
        return [group for group in groups if len(group) > 1]

    def _merge(self, group: list[Shard]) -> None:
        keys = np.concatenate([shard.keys for shard in group])
        write_shard(self.folder, keys, np.concatenate([shard.vectors() for shard in group]))
        # Only now: whoever is killed in between leaves every vector in one file at least.
        for shard in group:
            shard.path.unlink(missing_ok=True)

    def _drop_stale(self) -> None:
        for path in self.folder.glob(".*.part"):
            with suppress(FileNotFoundError):  # its writer has just renamed it
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()
