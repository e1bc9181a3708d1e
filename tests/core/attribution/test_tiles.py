"""Tiles hold every element of an array once; sums over blocks keep the whole sum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.attribution.tiles import (
    PIECES,
    STORED,
    Tiles,
    band_names,
    bands,
    blocks,
    edges_hz,
    of_tiles,
    patches,
    reduced,
    regions,
    stored_shape,
)
from components.core.compat import import_torchaudio
from components.core.media.config import SoundConfig

HEARD = SoundConfig()
sides = st.integers(1, 40)


@given(st.integers(1, 3), sides, sides)
def test_every_element_is_in_exactly_one_group(first: int, high: int, wide: int) -> None:
    shape = (first, high, wide)
    for tiles in (regions(shape), patches(shape, None), bands(shape, None)):
        numbers = np.broadcast_to(tiles.numbers, shape)
        assert np.array_equal(np.unique(numbers), np.arange(len(tiles.names)))
        assert len(set(tiles.names)) == len(tiles.names)


def test_regions_count_from_the_upper_left_corner() -> None:
    tiles = regions((3, 192, 288))
    assert len(tiles.names) == 48
    assert tiles.names[tiles.numbers[0, 0, 287]] == "row 1 column 8"
    assert tiles.names[tiles.numbers[0, 191, 0]] == "row 6 column 1"
    assert np.bincount(tiles.numbers.ravel()).tolist() == [32 * 36] * 48


def test_patches_are_named_by_what_they_hold() -> None:
    tiles = patches(HEARD.shape, HEARD)
    assert tiles.windows is not None
    last = int(tiles.numbers[4, 31, 250])
    assert tiles.names[last] == "window 5, 288–400 Hz, 3.3–5.0 s"
    assert tiles.windows[last] == 4
    assert patches((2, 8, 20), None).names[0] == "window 1, filters 1–2, part 1"
    assert band_names(2, None) == ("filters 1–1", "filters 2–2")


def test_borders_lie_half_way_between_the_filters_of_torchaudio() -> None:
    filters = import_torchaudio().functional.melscale_fbanks(
        4001, HEARD.low_hz, HEARD.high_hz, HEARD.mels, HEARD.fs
    ).numpy()  # fmt: skip
    peaks = filters.argmax(axis=0) * HEARD.fs / 2 / 4000
    mel = 2595 * np.log10(1 + peaks / 700)
    middles = 700 * (10 ** ((mel[1:] + mel[:-1]) / 2 / 2595) - 1)
    found = edges_hz(HEARD)
    np.testing.assert_allclose(found[1:-1], middles, atol=0.5)
    assert (found[0], found[-1]) == (pytest.approx(25), pytest.approx(400))


@given(st.integers(1, 300), st.sampled_from([(), (3,)]))
def test_every_entry_is_in_one_of_a_few_even_blocks_of_neighbours(
    width: int, several: tuple[int, ...]
) -> None:
    shape = (*several, width)
    tiles = blocks("emb_spatial", shape)
    numbers = np.broadcast_to(tiles.numbers, shape).reshape(-1, width)
    assert (np.diff(numbers, axis=0) == 0).all()  # all patches together
    assert (np.diff(numbers[0]) >= 0).all()
    sizes = np.bincount(numbers[0], minlength=len(tiles.names))
    assert len(sizes) == len(tiles.names) == len(set(tiles.names)) == min(PIECES, width)
    assert sizes.max() - sizes.min() <= 1
    assert (tiles.kind, tiles.modality, tiles.windows) == ("block_spatial", "emb_spatial", None)


def test_blocks_are_named_by_their_columns_where_these_are_known() -> None:
    assert blocks("emb_clinical", (64,)).names[:2] == (
        "clinical entries 1–8", "clinical entries 9–16",
    )  # fmt: skip
    columns = [f"c{k}" for k in range(9)]
    named = blocks("emb_clinical", (9,), columns).names
    assert named[0] == "clinical entries 1–2: c0 to c1"
    assert named[-1] == "clinical entry 9: c8"
    assert blocks("emb_clinical", (2,)).names == ("clinical entry 1", "clinical entry 2")


def test_sums_are_of_each_group_and_unknown_where_it_is_absent() -> None:
    tiles = Tiles(kind="band", modality="pcg", names=("low", "high"),
                  numbers=np.array([[[0], [1]]]))  # fmt: skip
    values = np.arange(16.0).reshape(2, 2, 2, 2)
    there = np.array([[True, True], [True, False]])
    own = of_tiles(values, tiles, there=there)
    assert own.kind == "band"
    np.testing.assert_array_equal(own.values, [[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [42, np.nan]])
    assert of_tiles(values[:0], tiles, there=there[:0]).values.shape == (0, 2)


@given(st.integers(1, 300), st.integers(1, 500))
def test_blocks_keep_the_sum_and_are_few(high: int, wide: int) -> None:
    values = np.random.default_rng(0).normal(size=(1, 2, high, wide))
    found = reduced(values)
    assert found.shape[1:] == stored_shape((2, high, wide))
    assert found.shape[2] <= STORED[0]
    assert found.shape[3] <= STORED[1]
    assert math.isclose(found.sum(dtype=np.float64), values.sum(), abs_tol=1e-2)
    if high <= STORED[0] and wide <= STORED[1]:
        np.testing.assert_array_equal(found, values.astype(np.float32))
