"""Independent random streams, addressed by name and index, so that work can be cut anywhere."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """Return the generator of stream `name` at `index`.

    Streams of different names or indices are independent (`numpy.random.SeedSequence` spawn keys),
    so a later modality that draws from a new name changes no byte of the existing ones.
    """
    key = (zlib.crc32(name.encode()), *index)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
