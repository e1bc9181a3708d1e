"""What becomes of a picture's shape, colours and margins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import RecordError
from components.core.media.config import ImageConfig
from components.core.media.image import check_page, image_array
from components.core.readers.image import Picture

SMALL = ImageConfig(height=48, width=72)
COLOURS = ImageConfig(height=48, width=72, colour="rgb")


def plain(height: int, width: int, shade: int = 0) -> Picture:
    return Picture(pixels=np.full((height, width, 3), shade, np.uint8))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 400), st.integers(1, 400))
def test_aspect_is_kept_in_the_middle_of_white(height: int, width: int) -> None:
    found = image_array(plain(height, width), SMALL)[0]
    scale = min(48 / height, 72 / width)
    rows, columns = np.flatnonzero((found == 0).any(axis=1)), np.flatnonzero((found == 0).any(0))
    assert len(rows) == max(1, round(height * scale))
    assert len(columns) == max(1, round(width * scale))
    assert set(np.unique(found)) <= {0, 255}
    assert (found[np.ix_(rows, columns)] == 0).all()
    for place, side in ((rows, 48), (columns, 72)):
        before, after = place[0], side - 1 - place[-1]
        assert 0 <= after - before <= 1


def test_a_page_of_the_same_size_is_not_touched() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    found = image_array(Picture(pixels=pixels), COLOURS)
    np.testing.assert_array_equal(found, pixels.transpose(2, 0, 1))
    assert found.flags["C_CONTIGUOUS"]


def test_grey_is_luma() -> None:
    found = image_array(Picture(pixels=np.full((4, 6, 3), (200, 100, 50), np.uint8)), SMALL)
    # ITU-R BT.601: 0.299 red, 0.587 green, 0.114 blue.
    assert found.shape == (1, 48, 72)
    assert np.abs(found[0].astype(int) - round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).max() <= 1


@pytest.mark.parametrize("config", [SMALL, COLOURS])
def test_it_is_the_same_each_time(config: ImageConfig) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (301, 517, 3), dtype=np.uint8)
    first, second = (image_array(Picture(pixels=pixels.copy()), config) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == config.shape


def test_thin_lines_fade_and_do_not_vanish() -> None:
    pixels = np.full((960, 1440, 3), 255, np.uint8)
    pixels[:, ::20] = 0  # every line one of twenty pixels
    found = image_array(Picture(pixels=pixels), SMALL)[0].astype(float)
    assert found.mean() == pytest.approx(255 * 19 / 20, abs=1.5)
    assert found.std() < 3


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_page_of_one_colour_is_refused(shade: int) -> None:
    page = plain(40, 60, shade)
    page.pixels[..., 2] = 7
    with pytest.raises(RecordError, match="the picture is blank: all of its pixels") as caught:
        check_page(page)
    assert (caught.value.code, caught.value.field) == ("blank_image", "ecg_image")
    page.pixels[3, 4, 2] = 8
    check_page(page)
