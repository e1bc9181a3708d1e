"""Pages and beats laid over one another: what was in one place on each is in one place."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.attribution.tiles import reduced
from components.core.media.config import SoundConfig
from components.explain.pictures.planted_maps import draw_beats, draw_page
from components.explain.planted_media.hearing import Heard, cells
from components.explain.planted_media.paper import Paper
from components.explain.planted_media.views import AROUND, mean_beat, mean_page

BOX = (0.5, 0.25, 0.75, 0.5)
VIEWS = [(3.0, 12.0), (4.0, -12.0), (3.5, 0.0)]


def pages() -> list[tuple[Paper, np.ndarray]]:
    """Return pages turned differently, each with attribution in the box on paper alone."""
    papers = [Paper(page_mm=(280.0, 160.0), px_per_mm=px, degrees=degrees, shape=(192, 288))
              for px, degrees in VIEWS]  # fmt: skip
    return [(each, -reduced(each.covered([BOX])[None, None])[0]) for each in papers]


def test_turned_pages_lie_on_one_another() -> None:
    found = mean_page(pages())
    assert found.shape == (80, 140)
    inside = np.zeros(found.shape, bool)
    inside[20:40, 70:105] = True
    core, beyond = np.zeros_like(inside), np.ones_like(inside)
    core[22:38, 72:103], beyond[18:42, 68:107] = True, False
    np.testing.assert_allclose(found[core], 4.0, rtol=1e-3)  # four elements a block
    assert np.nanmax(found[beyond]) == 0


def test_a_part_of_the_page_that_no_picture_shows_has_no_mean() -> None:
    # Turned by 12 degrees, a corner of the paper is outside of the picture.
    assert np.isnan(mean_page(pages()[:2])).any()
    assert not np.isnan(mean_page(pages()[2:])).any()


@pytest.mark.parametrize("first", [True, False])
def test_beats_lie_on_one_another(first: bool) -> None:
    config = SoundConfig(window_s=5.0, windows=2)
    heard = Heard(s1=(1.0, 1.9, 6.5), s2=(1.3, 2.2, 6.8), seconds=10.0)
    values = reduced(cells([heard], [heard.systoles], (150.0, 400.0), config)[None])[0]
    found = mean_beat([([heard], values)], config, first=first)
    low, _ = AROUND["S1" if first else "S2"]
    at = low + np.arange(found.shape[1]) * config.hop_s
    start, stop = (0.0, 0.3) if first else (-0.3, 0.0)
    # A block is two frames wide.
    within = (at > start + 0.03) & (at < stop - 0.03)
    away = (at < start - 0.05) | (at > stop + 0.05)
    np.testing.assert_allclose(found[-5:, within], 1.0, atol=1e-3)
    assert not found[:, away].any()
    assert not found[:5].any()


def test_pictures_outline_the_planted_places_alone() -> None:
    mean = np.random.default_rng(0).random((80, 140))
    boxes = {"V3": BOX, "I": (0.1, 0.1, 0.3, 0.3)}
    one, other = (draw_page(mean, boxes, causal=causal) for causal in (("V3",), ()))
    assert one.name == "planted-page"
    assert one.svg.count("#d55e00") > other.svg.count("#d55e00") == 0
    sound = SoundConfig()
    truth = {"murmur": {"hz": [150.0, 400.0]}, "s3": {"hz": [25.0, 60.0], "after_s": [0.15, 0.23]}}
    panels = {name: np.random.default_rng(1).random((sound.mels, 31)) for name in AROUND}
    plot = draw_beats(panels, AROUND, sound=sound, truth=truth, systole=0.3)
    # The murmur twice, the third sound once.
    assert plot.svg.count("#d55e00") == 3
