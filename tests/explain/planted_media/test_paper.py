"""Places on a page followed into the array, against pages that the project drew and shrank."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from components.core.media.config import ImageConfig
from components.core.media.image import image_array
from components.core.readers.image import Picture
from components.explain.planted_media.paper import Paper
from components.ingest.synthetic.media import page
from components.ingest.synthetic.media.render import Camera

PAGE = (page.WIDTH_MM, page.HEIGHT_MM)
BOX = (0.51786, 0.31875, 0.74107, 0.5375)
# Rows and columns of arrays: wider and narrower than a page.
SHAPES = [(192, 288), (96, 300), (120, 120)]
VIEWS = [(3.0, 0.0), (4.0, 1.2), (3.5, -1.2), (3.0, 25.0)]


def drawn(
    box: tuple[float, ...], px_per_mm: float, degrees: float, shape: tuple[int, int]
) -> np.ndarray:
    """Return `[H, W]` darkness of a page with a black box, as the cohort draws and turns it."""
    camera = Camera(px_per_mm=px_per_mm, degrees=degrees)
    left, top, right, bottom = box
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * PAGE
    picture = Image.new("RGB", camera.size, "white")
    ImageDraw.Draw(picture).polygon(camera.pixels(corners).ravel().tolist(), fill="black")
    config = ImageConfig(height=shape[0], width=shape[1])
    return 1 - image_array(Picture(pixels=np.asarray(picture)), config)[0] / 255


def paper(px_per_mm: float, degrees: float, shape: tuple[int, int]) -> Paper:
    return Paper(page_mm=PAGE, px_per_mm=px_per_mm, degrees=degrees, shape=shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("px_per_mm", "degrees"), VIEWS)
def test_a_box_lies_where_the_drawn_one_does(
    px_per_mm: float, degrees: float, shape: tuple[int, int]
) -> None:
    expected = drawn(BOX, px_per_mm, degrees, shape)
    found = paper(px_per_mm, degrees, shape).covered([BOX])
    # What differs is the resampling's blur along the border.
    assert np.abs(found - expected).sum() < 0.06 * expected.sum()
    assert found.sum() == pytest.approx(expected.sum(), rel=0.03)


@pytest.mark.parametrize("degrees", [1.2, -1.2])
def test_a_page_turned_the_other_way_is_another_place(degrees: float) -> None:
    corner = (0.82, 0.1, 0.96, 0.31875)
    expected = drawn(corner, 3.0, degrees, (192, 288))
    right, wrong = (
        np.abs(paper(3.0, turned, (192, 288)).covered([corner]) - expected).sum()
        for turned in (degrees, -degrees)
    )
    assert right < 0.5 * wrong


def test_points_come_back() -> None:
    own = paper(3.5, 7.0, (120, 200))
    points = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(own.shares(own.elements(points)), points, atol=1e-12)
    middle = own.elements(np.array([0.5, 0.5]))
    np.testing.assert_allclose(middle, [100.0, 60.0], atol=0.5)


def test_padding_is_no_part_of_the_picture() -> None:
    own = paper(3.0, 3.0, (192, 288))
    left, top, width, height = own.frame
    assert (left, width) == (0, 288)
    assert (top, height) == (13, 165)
    assert own.within.sum() == width * height
    # Turned, the page's upper edge leaves the picture at one end; padding is never covered.
    everything = own.covered([(-1.0, -1.0, 2.0, 2.0)])
    np.testing.assert_array_equal(everything > 0, own.within)
    assert own.covered([]).sum() == 0


def test_boxes_that_overlap_count_once() -> None:
    own = paper(3.0, 0.0, (192, 288))
    np.testing.assert_array_equal(own.covered([BOX, BOX]), own.covered([BOX]))
