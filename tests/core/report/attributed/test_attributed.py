"""Attribution over a picture and over a spectrogram, and the lines under a title."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.report.attributed import paper_page
from components.core.report.attributed.colour import limit_of, veil
from components.core.report.attributed.facts import facts, risk_words
from components.core.report.attributed.paper_page import Page, draw_page, grey_page
from components.core.report.attributed.spectrogram import Spectrogram, draw_sound
from tests.media_bundles import SOUND


def test_the_lines_state_risk_baseline_and_sums() -> None:
    risk, sums = facts(0.5, -1.0, {"QRS": 0.8, "T": -0.2, "P": float("nan")}, risk="risk 62 %")
    assert risk == "risk 62 % · log-odds 0.50, from −1.00 at the baseline"
    assert sums == "attribution in log-odds: QRS +0.80 · T −0.20"


def test_a_withheld_risk_is_not_told() -> None:
    assert facts(0.5, None, {}) == ("log-odds 0.50",)


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.0, "risk 0.0 %"), (0.0001, "risk below 0.1 %"), (0.004, "risk 0.4 %"),
     (0.01, "risk 1 %"), (0.62, "risk 62 %"), (0.996, "risk 99.6 %"),
     (0.9995, "risk above 99.9 %"), (0.99999, "risk above 99.9 %"), (1.0, "risk 100.0 %")],
)  # fmt: skip
def test_a_risk_is_not_told_as_none_or_certain(probability: float, words: str) -> None:
    assert risk_words(probability) == words


def test_a_large_page_is_drawn_in_few_pixels() -> None:
    pixels = np.full((3, 500, 700), 300.0)
    pixels[:, :250] = 30.0
    found = grey_page(pixels)
    assert found.shape <= paper_page.MOST
    assert (found[0, 0], found[-1, -1]) == (30.0, 255.0)
    same = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(grey_page(same), same[0])


def test_colour_is_the_sign_and_opacity_the_size() -> None:
    found = veil(np.array([[1.0, -2.0, 0.0, np.nan]]), 2.0)
    assert found[0, 0, 0] > found[0, 0, 2]
    assert found[0, 1, 2] > found[0, 1, 0]
    assert found[0, 1, 3] == pytest.approx(2 * found[0, 0, 3])
    assert found[0, 2:, 3].tolist() == [0, 0]
    assert limit_of([]) == 1.0
    assert limit_of([np.array([[-3.0]]), np.array([[np.nan]])]) == pytest.approx(3.0, rel=0.01)


def test_pictures_name_hertz_seconds_and_the_event() -> None:
    rng = np.random.default_rng(0)
    windows, mels, frames = SOUND.windows, SOUND.mels, 20
    levels = rng.normal(size=(windows, mels, frames))
    shown = Spectrogram(levels=levels, signed=levels, windows=(1, 2, 3), limit=1.0, sound=SOUND)
    plot = draw_sound(shown, name="row-3", event="$x", method="Integrated Gradients")
    bare = draw_sound(replace(shown, sound=None), name="row-3", event="e", method="m")
    assert plot.name == "sound-row-3"
    assert plot.svg != bare.svg
    positive = np.zeros((4, 6))
    page = Page(grey=np.full((8, 12), 200.0), signed=None, positive=positive, limit=1.0)
    nothing = draw_page(page, name="row-3", event="e").svg
    positive[1, 2] = 1.0
    assert draw_page(page, name="row-3", event="e").svg != nothing
