"""Pictures of what was read."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from PIL import Image

from components.core.signals.signal import Signal
from components.serve.drawings import drawings
from components.serve.order import IMAGE, SOUND, Upload

SVG = "{http://www.w3.org/2000/svg}"


def signal(values: np.ndarray, *, fs: float = 250.0, unit: str = "mV") -> Signal:
    leads = ("I", "II", "V1")[: len(values)]
    return Signal(
        values=values.astype(np.float32), leads=leads, fs=fs, unit=unit,
        lsb=np.ones(len(values)), offset=np.zeros(len(values)),
    )  # fmt: skip


def root(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - the service's own


def ticks(seconds: float, fs: float = 250.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.3, (2, round(seconds * fs)))


def test_an_ecg_is_drawn_on_paper_with_what_is_known_of_it() -> None:
    (found,) = drawings(signal(ticks(12)), {})
    assert found["alt"] == "ECG on paper: 2 leads, 250 Hz, 12.0 s (I, II), mV"
    assert root(found["svg"]).tag == f"{SVG}svg"
    assert "ECG as it was read" in found["svg"]


def test_of_a_day_ten_seconds_are_drawn() -> None:
    day, start = (signal(ticks(seconds)) for seconds in (600, 10))
    (long,), (short,) = drawings(day, {}), drawings(start, {})
    assert len(long["svg"]) < 1.1 * len(short["svg"])
    assert "600.0 s" in long["alt"]


@pytest.mark.parametrize("what", ["gap", "flat", "nothing", "short"])
def test_odd_recordings_are_drawn_too(what: str) -> None:
    values = ticks(10)
    if what == "gap":
        values[0, 100:900] = np.nan
        values[1, 5] = np.inf
    if what == "flat":
        values[:] = 0
    if what == "nothing":
        values[1] = np.nan
    if what == "short":
        values = values[:, :3]
    (found,) = drawings(signal(values), {})
    assert "nan" not in found["svg"].lower().replace("finance", "")
    root(found["svg"])


def test_a_standardised_ecg_is_not_drawn_in_millivolts() -> None:
    (found,) = drawings(signal(ticks(10), unit="z"), {})
    assert "cannot be drawn in millivolts" in found["alt"]
    assert "".join(root(found["svg"]).itertext()) == found["alt"]


def page(wide: int, high: int) -> Upload:
    packed = io.BytesIO()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (high, wide, 3), np.uint8)).save(packed, "PNG")
    return Upload(ending=".png", content=packed.getvalue())


def test_a_large_page_is_made_smaller_and_says_how_large_it_was() -> None:
    (found,) = drawings(None, {IMAGE: [page(1500, 750)]})
    assert found["alt"] == "ECG image as it was read, 1500 × 750 pixels"
    (image,) = root(found["svg"])
    assert (image.get("width"), image.get("height")) == ("1200", "600")
    packed = base64.b64decode((image.get("href") or "").removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(packed)).size == (1200, 600)


def tone(seconds: float, level: float) -> Upload:
    packed = io.BytesIO()
    time = np.arange(round(seconds * 2000)) / 2000
    soundfile.write(packed, level * np.sin(500 * time), 2000, format="WAV", subtype="PCM_16")
    return Upload(ending=".wav", content=packed.getvalue())


def test_a_sound_is_drawn_as_its_course_whatever_its_level() -> None:
    found = drawings(None, {SOUND: [tone(4, 0.9), tone(60, 0.001)]})
    assert [each["alt"] for each in found] == [
        "Heart sound 1 of 2 as it was read: 4.0 s at 2000 Hz",
        "Heart sound 2 of 2 as it was read: 60.0 s at 2000 Hz",
    ]
    for each in found:
        assert len(each["svg"]) < 200_000
        line = root(each["svg"]).find(f"{SVG}path")
        assert line is not None
        numbers = np.array(re.findall(r"-?\d+", line.get("d") or ""), int)
        heights = np.cumsum(numbers[1::2])  # after the first point every step is relative
        assert heights.max() > 150
        assert heights.min() < 50


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawings(None, {}) == []
