"""What the picture shows is what the patient's ECG holds, at the place that the truth tells."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from components.ingest.synthetic.media import page
from components.ingest.synthetic.media.render import Camera, render
from components.ingest.synthetic.media.scan import Scan, draw_scan, kept
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.vcg import LEADS_12

FloatArray = npt.NDArray[np.float64]
FS = 500.0


def box_of(name: str, size: tuple[int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = page.boxes()[name]
    width, height = size
    return (
        slice(round(top * height), round(bottom * height)),
        slice(round(left * width), round(right * width)),
    )


def ink(picture: Image.Image) -> npt.NDArray[np.bool_]:
    return np.asarray(picture.convert("L")) < 100


def trace(picture: Image.Image, name: str, px_per_mm: float) -> FloatArray:
    """Return the trace in mV by column of a page that lies straight, by the ink's middle."""
    rows, columns = box_of(name, picture.size)
    dark = ink(picture)[rows, columns]
    height = np.arange(dark.shape[0])[:, None]
    middle = (dark * height).sum(axis=0) / np.maximum(dark.sum(axis=0), 1)
    return (dark.shape[0] / 2 - middle) / px_per_mm / page.MM_PER_MV


def flat(**waves: FloatArray) -> npt.NDArray[np.float32]:
    out = np.zeros((12, 5000), np.float32)
    for lead, wave in waves.items():
        out[LEADS_12.index(lead)] = wave
    return out


@pytest.mark.parametrize("lead", ["V2", "aVF", "V6", "I"])
def test_a_slow_wave_can_be_measured_in_its_box_and_nowhere_else(lead: str) -> None:
    seconds = np.arange(5000) / FS
    wave = 0.5 * np.sin(2 * np.pi * 0.8 * seconds)
    picture = render(flat(**{lead: wave}), fs=FS, camera=Camera(px_per_mm=4.0))
    start = next(each.start_s for each in page.strips() if each.lead == lead)
    found = trace(picture, lead, 4.0)
    # The names stand at the left of the boxes, above the baseline.
    inner = np.arange(len(found)) > 60
    expected = np.interp(start + np.arange(len(found)) / 100.0, seconds, wave)
    assert np.abs(found - expected)[inner].max() < 0.04
    other = "V3" if lead != "V3" else "V4"
    assert np.abs(trace(picture, other, 4.0)[inner]).max() < 0.04


def test_calibration_pulse_is_ten_millimetres_high() -> None:
    picture = render(flat(), fs=FS, camera=Camera(px_per_mm=4.0))
    left = round(page.LEFT_MM * 4)
    column = ink(picture)[: round((page.TOP_MM + page.ROW_MM) * 4), left - 30 : left - 15]
    rows = np.flatnonzero(column.any(axis=1))
    middle = page.strips()[0].middle * 4
    assert rows.min() == pytest.approx(middle - 40, abs=2)


def test_an_absent_lead_has_no_trace_but_its_name() -> None:
    shown = ink(render(flat(), fs=FS, camera=Camera(px_per_mm=3.0)))
    gone = ink(render(flat(), fs=FS, camera=Camera(px_per_mm=3.0), absent=("V3",)))
    size = (shown.shape[1], shown.shape[0])
    assert gone[box_of("V3", size)].any()
    assert gone[box_of("V3", size)].sum() < shown[box_of("V3", size)].sum() / 2
    assert (gone[box_of("V2", size)] == shown[box_of("V2", size)]).all()


def test_angle_is_counter_clockwise_about_the_middle() -> None:
    camera = Camera(px_per_mm=4.0, degrees=1.0)
    middle = np.array([page.WIDTH_MM, page.HEIGHT_MM]) / 2
    assert camera.pixels(middle) == pytest.approx(middle * 4)
    right = camera.pixels(middle + np.array([100.0, 0.0])) - middle * 4
    assert right == pytest.approx([400 * np.cos(np.pi / 180), -400 * np.sin(np.pi / 180)])


def test_boxes_tile_the_strips_without_overlap() -> None:
    boxes = page.boxes()
    assert set(boxes) == {*LEADS_12, "II rhythm"}
    for name, (left, top, right, bottom) in boxes.items():
        assert 0 < left < right < 1
        assert 0 < top < bottom < 1.001
        for other, (l2, t2, r2, b2) in boxes.items():
            overlap = min(right, r2) - max(left, l2), min(bottom, b2) - max(top, t2)
            assert name == other or min(overlap) < 1e-4


@pytest.mark.parametrize("site", ["A", "B", "C"])
def test_shadow_darkens_and_the_file_can_be_read(site: str) -> None:
    picture = render(flat(), fs=FS, camera=Camera(px_per_mm=3.0))
    rng = stream(1, "scan")
    scan = draw_scan(site, rng, nuisance=True)
    shadowed = Scan(camera=scan.camera, shadow=0.3, format=scan.format, mode=scan.mode)
    light = np.asarray(Image.open(io.BytesIO(kept(picture, Scan(camera=scan.camera), rng))))
    dark = np.asarray(Image.open(io.BytesIO(kept(picture, shadowed, rng))).convert("RGB"))
    assert light.shape == dark.shape
    assert dark.mean() < light.mean() - 10


def test_truth_tells_where_the_signal_lies(clinic: Path) -> None:
    told = json.loads((clinic / "truth.json").read_text())["ecg_image"]
    assert told["boxes"] == page.boxes()
    assert set(told["causal"]) <= set(told["boxes"])
    assert told["starts_s"]["V4"] == 7.5
    assert sum(told["signal_share"].values()) == pytest.approx(1.0, abs=0.01)
