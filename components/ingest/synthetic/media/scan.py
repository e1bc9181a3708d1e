"""How each site keeps its ECG pages: resolution, angle, shadow, grain, format and mode."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from components.ingest.synthetic.media.render import Camera

# Site → pixels per millimetre: about 75, 100 and 90 dots per inch.
RESOLUTION = {"A": 3.0, "B": 4.0, "C": 3.5}
# SD of the angle in degrees and its bound; the darkest a shadow makes the paper, share of white.
_TURN_SD, _TURN_MAX = 0.5, 1.2
_SHADOW = (0.02, 0.30)
_QUALITY = (55, 90)
# Sensor noise of what is kept as JPEG, grey levels, and the size of the tile it is drawn in.
_GRAIN, _TILE = 5, 256
# Site C keeps what its staff happened to choose: format, mode and share.
_MIXED = (("JPEG", "RGB", 0.55), ("BMP", "L", 0.10), ("PNG", "P", 0.15), ("PNG", "L", 0.12),
          ("BMP", "RGB", 0.04), ("PNG", "RGBA", 0.04))  # fmt: skip
_SUFFIX = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp"}
# Colours of a palette picture; the least compression keeps writing as fast as drawing.
_COLOURS, _COMPRESSION = 32, 1


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How one page is kept.

    Attributes:
        camera: resolution and angle.
        shadow: how much darker the darkest corner is, share of white.
        format: `PNG`, `JPEG` or `BMP`.
        mode: of the picture, as Pillow names modes.
        quality: of a JPEG.
    """

    camera: Camera
    shadow: float = 0.0
    format: str = "PNG"
    mode: str = "RGB"
    quality: int = 90

    @property
    def suffix(self) -> str:
        """Return the ending of the file's name."""
        return _SUFFIX[self.format]


def draw_scan(site: str, rng: np.random.Generator, *, nuisance: bool) -> Scan:
    """Draw how a page of `site` is kept; without nuisance it lies straight and evenly lit."""
    turn, (shade, pick) = rng.standard_normal(), rng.random(2)
    quality = int(rng.integers(*_QUALITY))
    degrees = float(np.clip(_TURN_SD * turn, -_TURN_MAX, _TURN_MAX)) if nuisance else 0.0
    low, high = _SHADOW
    kind, mode = {"A": ("PNG", "RGB"), "B": ("JPEG", "RGB"), "C": _mixed(float(pick))}[site]
    return Scan(
        camera=Camera(px_per_mm=RESOLUTION[site], degrees=degrees),
        shadow=low + (high - low) * float(shade) if nuisance else 0.0,
        format=kind,
        mode=mode,
        quality=quality,
    )


def _mixed(pick: float) -> tuple[str, str]:
    edges = np.cumsum([share for _, _, share in _MIXED])
    kind, mode, _ = _MIXED[min(int(np.searchsorted(edges, pick)), len(_MIXED) - 1)]
    return kind, mode


def kept(picture: Image.Image, scan: Scan, rng: np.random.Generator) -> bytes:
    """Return the file of a page drawn as an RGB picture."""
    if scan.shadow > 0:
        picture = ImageChops.multiply(picture, _shade(picture.size, scan.shadow, rng))
        if scan.format == "JPEG":
            picture = ImageChops.subtract(picture, _grain(picture.size, rng))
    stream = io.BytesIO()
    if scan.mode == "P":
        picture = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    elif scan.mode != "RGB":
        picture = picture.convert(scan.mode)
    picture.save(stream, scan.format, quality=scan.quality, compress_level=_COMPRESSION)
    return stream.getvalue()


def _shade(size: tuple[int, int], depth: float, rng: np.random.Generator) -> Image.Image:
    """Return a smooth field between white and `depth` below it: a lamp and a folded page."""
    knots = rng.random((3, 4))
    knots = 1.0 - depth * (knots - knots.min()) / (knots.max() - knots.min())
    small = Image.fromarray(np.round(255 * knots).astype(np.uint8))
    field = small.resize(size, Image.Resampling.BILINEAR)
    return Image.merge("RGB", (field, field, field))


def _grain(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    tile = rng.integers(0, 2 * _GRAIN, (_TILE, _TILE), dtype=np.uint8)
    repeats = (-(-size[1] // _TILE), -(-size[0] // _TILE))
    field = Image.fromarray(np.tile(tile, repeats)[: size[1], : size[0]])
    return Image.merge("RGB", (field, field, field))
