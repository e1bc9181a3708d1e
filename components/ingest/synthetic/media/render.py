"""An ECG drawn on paper: grid, names, calibration pulse and traces, at a resolution and an angle.

Everything is turned before it is drawn, so that no picture has to be resampled; traces are drawn at
twice the resolution and reduced, which smooths their edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from components.ingest.synthetic.media import page
from components.ingest.synthetic.vcg import LEADS_12

FloatArray = npt.NDArray[np.float64]
Signal32 = npt.NDArray[np.float32]

PAPER, FINE, BOLD, INK = (255, 251, 248), (250, 214, 214), (240, 168, 172), (28, 26, 34)
_SMALL_MM, _LARGE_MM = 1.0, 5.0
_SUPERSAMPLE = 2
# Line width of a printed trace and height of its letters, mm.
_TRACE_MM, _TEXT_MM = 0.45, 3.6
# A trace drawn at this rate shows all that 25 mm/s can: 10 points a millimetre.
_DRAWN_FS = 250.0
# Calibration pulse: 1 mV for 0.2 s, its place left of the first sample, mm.
_PULSE_MV, _PULSE_MM, _PULSE_LEFT = 1.0, 5.0, 9.0
_HEAD = "25 mm/s   10 mm/mV"


@dataclass(frozen=True, kw_only=True)
class Camera:
    """How the page is seen.

    Attributes:
        px_per_mm: resolution.
        degrees: turned by, counter-clockwise, about the middle of the page.
    """

    px_per_mm: float
    degrees: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        return round(page.WIDTH_MM * self.px_per_mm), round(page.HEIGHT_MM * self.px_per_mm)

    def pixels(self, mm: FloatArray, scale: float = 1.0) -> FloatArray:
        """Return points `[..., 2]` of the page in pixels of a picture `scale` times as large."""
        angle = np.deg2rad(self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([page.WIDTH_MM, page.HEIGHT_MM]) / 2
        return ((mm - middle) @ turn + middle) * (self.px_per_mm * scale)


def render(
    leads: Signal32, *, fs: float, camera: Camera, absent: tuple[str, ...] = ()
) -> Image.Image:
    """Return the page as an RGB picture.

    Args:
        leads: `[12, samples]` mV in the order of `LEADS_12`.
        fs: sampling rate in Hz.
        camera: resolution and angle.
        absent: leads of which nothing is drawn but the name.
    """
    picture = Image.new("RGB", camera.size, PAPER)
    pen = ImageDraw.Draw(picture)
    _grid(pen, camera)
    _names(pen, camera)
    ink = _traces(leads, fs, camera, absent)
    picture.paste(INK, mask=ink)
    return picture


def _grid(pen: ImageDraw.ImageDraw, camera: Camera) -> None:
    for step, colour in ((_SMALL_MM, FINE), (_LARGE_MM, BOLD)):
        # Beyond the page, so that a turned one has no empty corner.
        x = np.arange(-10.0, page.WIDTH_MM + 10.1, step)
        y = np.arange(-10.0, page.HEIGHT_MM + 10.1, step)
        ends = [
            *np.stack(
                [np.stack([x, x * 0 - 10], 1), np.stack([x, x * 0 + page.HEIGHT_MM + 10], 1)], 1
            ),
            *np.stack(
                [np.stack([y * 0 - 10, y], 1), np.stack([y * 0 + page.WIDTH_MM + 10, y], 1)], 1
            ),
        ]
        for line in camera.pixels(np.array(ends)).reshape(-1, 4).tolist():
            pen.line(line, fill=colour, width=1)


def _names(pen: ImageDraw.ImageDraw, camera: Camera) -> None:
    font = _font(round(_TEXT_MM * camera.px_per_mm))
    labels = [((each.left + 1.0, each.middle - 14.0), each.lead) for each in page.strips()]
    for place, text in [*labels, ((page.LEFT_MM, page.HEIGHT_MM - 6.0), _HEAD)]:
        x, y = camera.pixels(np.array(place)).tolist()
        pen.text((x, y), text, fill=INK, font=font)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _traces(leads: Signal32, fs: float, camera: Camera, absent: tuple[str, ...]) -> Image.Image:
    """Return where there is ink, 0-255."""
    scale = _SUPERSAMPLE
    width = max(1, round(_TRACE_MM * camera.px_per_mm * scale))
    mask = Image.new("L", (camera.size[0] * scale, camera.size[1] * scale))
    pen = ImageDraw.Draw(mask)
    for strip in page.strips():
        pen.line(camera.pixels(_pulse(strip), scale).ravel().tolist(), fill=255, width=width)
        if strip.lead not in absent:
            line = camera.pixels(_curve(leads[LEADS_12.index(strip.lead)], fs, strip), scale)
            pen.line(line.ravel().tolist(), fill=255, width=width, joint=None)
    return mask.reduce(scale)


def _curve(lead: Signal32, fs: float, strip: page.Strip) -> FloatArray:
    """Return the trace of one strip `[points, 2]` in mm."""
    seconds = np.arange(0.0, strip.seconds, 1.0 / _DRAWN_FS)
    recorded = np.arange(len(lead)) / fs
    mv = np.interp(strip.start_s + seconds, recorded, lead)
    # The pen cannot leave its row by more than half of the next one.
    mm = np.clip(mv * page.MM_PER_MV, -page.ROW_MM, page.ROW_MM)
    return np.column_stack([strip.left + seconds * page.MM_PER_S, strip.middle - mm])


def _pulse(strip: page.Strip) -> FloatArray:
    """Return the calibration pulse left of a row's first strip, else nothing but its start."""
    if strip.left > page.LEFT_MM:
        return np.array([[strip.left, strip.middle], [strip.left, strip.middle]])
    left, top = page.LEFT_MM - _PULSE_LEFT, strip.middle - _PULSE_MV * page.MM_PER_MV
    low = strip.middle
    corners = [(left, low), (left + 1.5, low), (left + 1.5, top), (left + 1.5 + _PULSE_MM, top),
               (left + 1.5 + _PULSE_MM, low), (page.LEFT_MM, low)]  # fmt: skip
    return np.array(corners)
