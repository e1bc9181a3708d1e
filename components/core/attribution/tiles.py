"""Groups that tile an array: regions of a picture, patches and bands of a sound, blocks of entries.

Shapes: `n` records, `G` groups; a picture is `[C, H, W]`, a sound `[W, M, T]` of windows, mel
filters and frames, an embedding `[W]` or `[P, W]` of entries and patches.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import BLOCKS, Dense, Flags, Floats, Grouped
from components.core.media.config import SoundConfig
from components.core.modalities import EmbeddingModality, short_name

# Rows and columns of regions. A printed 12-lead page has three rows of four leads and a rhythm
# strip: six rows part a trace from its neighbours, eight columns halve each lead's length.
ROWS, COLUMNS = 6, 8
# Of the default 25–400 Hz: 25–107 Hz (most of S1 and S2), 107–193, 193–288, 288–400 Hz (murmurs).
BANDS = 4
# Of a window's length: with 5 s of sound a third holds one or two beats.
SPANS = 3
# Of an embedding's entries: few enough to be taken away one by one, however wide it is, and with
# two embeddings more than a rank correlation asks for.
PIECES = 8
# What a table of attributions may hold of a picture, or of a window of sound: rows and columns.
STORED = (96, 144)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiles:
    """Groups that together hold every element of an array modality, each in one of them.

    Attributes:
        kind: `region`, `patch`, `band`, or one of `groups.BLOCKS`.
        modality: whose array they tile.
        names: `G` groups.
        numbers: group of each element, in a shape that broadcasts over a record's array.
        windows: `[G]` window that a group lies in; None where a group is of the whole record.
    """

    kind: str
    modality: str
    names: tuple[str, ...]
    numbers: npt.NDArray[np.int64]
    windows: npt.NDArray[np.int64] | None = None


def regions(shape: tuple[int, ...]) -> Tiles:
    """Return the regions of a picture `(C, H, W)`: `ROWS` × `COLUMNS`, columns running fastest."""
    _, height, width = shape
    rows, columns = min(ROWS, height), min(COLUMNS, width)
    row, column = _cut(height, rows), _cut(width, columns)
    names = [f"row {r + 1} column {c + 1}" for r in range(rows) for c in range(columns)]
    numbers = (row[:, None] * columns + column[None, :])[None]
    return Tiles(kind="region", modality="ecg_image", names=tuple(names), numbers=numbers)


def patches(shape: tuple[int, ...], sound: SoundConfig | None) -> Tiles:
    """Return the patches of a sound `(W, M, T)`: window × frequency band × part of its length.

    Args:
        shape: of a record's array.
        sound: how it was made; None names filters and parts in place of Hz and seconds.
    """
    windows, mels, frames = shape
    own, spans = band_names(mels, sound), _span_names(frames, sound)
    names = [f"window {w + 1}, {band}, {span}" for w in range(windows) for band in own
             for span in spans]  # fmt: skip
    band, span = _cut(mels, len(own)), _cut(frames, len(spans))
    window = np.arange(windows, dtype=np.int64)
    cell = (window[:, None, None] * len(own) + band[None, :, None]) * len(spans)
    return Tiles(
        kind="patch",
        modality="pcg",
        names=tuple(names),
        numbers=cell + span[None, None, :],
        windows=np.repeat(window, len(own) * len(spans)),
    )


def bands(shape: tuple[int, ...], sound: SoundConfig | None) -> Tiles:
    """Return the frequency bands of a sound `(W, M, T)`, over all windows and their whole length.

    Args: as of `patches`.
    """
    _, mels, _ = shape
    names = band_names(mels, sound)
    numbers = _cut(mels, len(names))[None, :, None]
    return Tiles(kind="band", modality="pcg", names=names, numbers=numbers)


def band_names(mels: int, sound: SoundConfig | None) -> tuple[str, ...]:
    """Return the names of `BANDS` of as many filters each, from low to high.

    >>> band_names(32, SoundConfig())[0], band_names(8, None)[-1]
    ('25–107 Hz', 'filters 7–8')
    """
    spans = _spans(mels, min(BANDS, mels))
    if sound is None:
        return tuple(f"filters {a + 1}–{b}" for a, b in spans)
    edges = edges_hz(sound)
    return tuple(f"{edges[a]:.0f}–{edges[b]:.0f} Hz" for a, b in spans)


def blocks(
    modality: EmbeddingModality, shape: tuple[int, ...], columns: Sequence[str] = ()
) -> Tiles:
    """Return the blocks of neighbouring entries of an embedding, over all patches where it has any.

    Args:
        modality: its name.
        shape: of a record's array, `(W,)` or `(P, W)`.
        columns: names of the `W` entries; empty where nobody knows them.
    """
    width = shape[-1]
    count = min(PIECES, width)
    names = tuple(
        f"{short_name(modality)} {_entries(a, b, columns)}" for a, b in _spans(width, count)
    )
    numbers = _cut(width, count).reshape(*[1] * (len(shape) - 1), width)
    return Tiles(kind=BLOCKS[modality], modality=modality, names=names, numbers=numbers)


def _entries(start: int, end: int, columns: Sequence[str]) -> str:
    """Return what a block from `start` to before `end` is called, by numbers that count from 1."""
    if end - start == 1:
        return f"entry {end}{f': {columns[start]}' if columns else ''}"
    within = f": {columns[start]} to {columns[end - 1]}" if columns else ""
    return f"entries {start + 1}–{end}{within}"


def edges_hz(sound: SoundConfig) -> Floats:
    """Return `[M + 1]` Hz between which each mel filter is the nearest, the ends those of the band.

    O'Shaughnessy's mel scale, 2595 · lg(1 + f / 700), on which torchaudio spaces `M` triangles
    evenly; from one triangle's middle to the next the border lies half way.
    """
    low, high = (2595.0 * math.log10(1 + f / 700.0) for f in (sound.low_hz, sound.high_hz))
    places = np.arange(sound.mels + 1) + 0.5
    places[0], places[-1] = 0, sound.mels + 1
    mel = low + (high - low) * places / (sound.mels + 1)
    return 700.0 * (10 ** (mel / 2595.0) - 1)


def _span_names(frames: int, sound: SoundConfig | None) -> tuple[str, ...]:
    count = min(SPANS, frames)
    if sound is None:
        return tuple(f"part {k + 1}" for k in range(count))
    ends = [sound.window_s * k / count for k in range(count + 1)]
    return tuple(f"{a:.1f}–{b:.1f} s" for a, b in itertools.pairwise(ends))


def _cut(length: int, parts: int) -> npt.NDArray[np.int64]:
    """Return `[length]` which of `parts` of even length each place is in."""
    return np.arange(length, dtype=np.int64) * parts // length


def _spans(length: int, parts: int) -> list[tuple[int, int]]:
    """Return the first place of each part of `_cut`, and the one after its last."""
    ends = np.flatnonzero(np.diff(_cut(length, parts), append=parts)) + 1
    return list(itertools.pairwise([0, *ends.tolist()]))


def of_tiles(values: Dense, tiles: Tiles, *, there: Flags) -> Grouped:
    """Return the sums of attributions over the tiles.

    Args:
        values: `[n, *shape]`.
        tiles: of that shape.
        there: `[n, G]` whether the record has the group.
    """
    numbers = np.broadcast_to(tiles.numbers, values.shape[1:]).ravel()
    size = len(tiles.names)
    sums = [np.bincount(numbers, own.ravel().astype(np.float64), size) for own in values]
    found = np.where(there, np.stack(sums), np.nan) if sums else np.zeros((0, size))
    return Grouped(kind=tiles.kind, names=tiles.names, values=found)


def reduced(values: Dense) -> npt.NDArray[np.float32]:
    """Return attributions summed over blocks, at most `STORED` of them; the whole sum stays.

    Args:
        values: `[n, C, H, W]` of pictures, or `[n, W, M, T]` of sounds.

    Returns:
        `[n, …, h, w]` float32 (`stored_shape`); blocks are single elements where it is small.
    """
    high, wide = _steps(values.shape)
    rows, columns = np.arange(0, values.shape[-2], high), np.arange(0, values.shape[-1], wide)
    within = np.add.reduceat(values.astype(np.float64), rows, axis=-2)
    return np.add.reduceat(within, columns, axis=-1).astype(np.float32)


def stored_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which `reduced` leaves one record's array `(…, H, W)`."""
    ends = zip(shape[-2:], _steps(shape), strict=True)
    return (*shape[:-2], *(math.ceil(size / step) for size, step in ends))


def _steps(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the sides of a block."""
    return math.ceil(shape[-2] / STORED[0]), math.ceil(shape[-1] / STORED[1])
