"""One file of an embedding cache: keys in order, and the vectors that belong to them.

Shapes: `K` rows of a shard, `m` keys looked for, `H` dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import InputError
from components.core.files import flush_folder, storage_errors, write_atomic

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

KEY_BYTES = 32  # of a sha256
KEY, VECTOR = "key", "embedding"


def keys_of(texts: Sequence[str], *, identity: str) -> Bytes:
    """Return `[m, 32]`: sha256 over the digest of the encoder's identity and the text."""
    start = hashlib.sha256(identity.encode("ascii"))
    found = bytearray()
    for text in texts:
        each = start.copy()
        # Lone surrogates come out of badly decoded files, and are texts all the same.
        each.update(text.encode("utf-8", "surrogatepass"))
        found += each.digest()
    return np.frombuffer(bytes(found), np.uint8).reshape(-1, KEY_BYTES)


def _prefix(keys: Bytes) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes as a number that sorts as the bytes do."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8").ravel().astype(np.uint64)


@dataclass(frozen=True, eq=False)
class Shard:
    """An open shard; its vectors stay on disk.

    Attributes:
        path: of the file.
        keys: `[K, 32]`, ascending.
        prefix: `[K]` the first eight bytes of each.
        width: of the vectors.
    """

    path: Path
    keys: Bytes
    prefix: npt.NDArray[np.uint64]
    width: int

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: Bytes) -> Ints:
        """Return `[m]` the row of each key, -1 where it is not here."""
        row = np.searchsorted(self.prefix, _prefix(keys)).clip(max=len(self) - 1)
        return np.where((self.keys[row] == keys).all(axis=1), row, -1)

    def vectors(self) -> Floats:
        """Return `[K, H]`.

        Raises:
            FileNotFoundError: another process has merged the shard into a larger one.
            InputError: the file is damaged.
        """
        with _damage(self.path):
            found: Any = _read(self.path, VECTOR)
            return found.flatten().to_numpy().reshape(len(self), self.width)


def open_shard(path: Path, *, width: int) -> Shard:
    """Return a shard of a cache whose vectors have `width` dimensions.

    Raises:
        FileNotFoundError: as `Shard.vectors`.
        InputError: the file is damaged, or its vectors have another width.
    """
    with _damage(path):
        found = pq.read_schema(path).field(VECTOR).type.list_size
        if found == width:
            column: Any = _read(path, KEY)
            flat = np.frombuffer(column.buffers()[1], np.uint8, offset=column.offset * KEY_BYTES)
            keys = flat[: len(column) * KEY_BYTES].reshape(-1, KEY_BYTES)
            prefix = _prefix(keys)
            if not len(keys) or (prefix[1:] < prefix[:-1]).any():
                raise pa.ArrowInvalid("its keys are out of order")
            return Shard(path, keys, prefix, width)
    raise InputError(
        f"'{path}' in the embedding cache has vectors of {found} dimensions, the encoder's have "
        f"{width}; delete the file: its texts are embedded again"
    )


def _read(path: Path, column: str) -> pa.Array:
    # Not `read_table`, whose machinery for folders takes longer than a small file.
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read([column])[column].combine_chunks()


@contextmanager
def _damage(path: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError) as error:
        raise InputError(
            f"'{path}' in the embedding cache is damaged ({type(error).__name__}); delete it: its "
            "texts are embedded again"
        ) from error


def write_shard(folder: Path, keys: Bytes, vectors: Floats) -> Path:
    """Write a new shard, whole or not at all, under a name that no other process takes.

    Args:
        folder: of the cache.
        keys: `[K, 32]` in any order; of equal ones the first counts.
        vectors: `[K, H]`.
    """
    _, order = np.unique(keys.view(f"V{KEY_BYTES}").ravel(), return_index=True)
    data = pa.py_buffer(np.ascontiguousarray(keys[order]))
    key = pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(order), [None, data])
    flat = pa.array(np.ascontiguousarray(vectors[order], np.float32).ravel())
    vector = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    table = pa.table({KEY: key, VECTOR: vector})
    path = folder / f"{uuid4().hex}.parquet"
    with storage_errors(f"the embedding cache '{folder}'"):
        folder.mkdir(parents=True, exist_ok=True)
        # Floats do not compress, and checksums show a turned bit.
        write_atomic(
            path,
            lambda part: pq.write_table(
                table, part, compression="none", use_dictionary=False, write_page_checksum=True
            ),
        )
        flush_folder(folder)
    return path
