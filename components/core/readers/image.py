"""Pictures of ECGs: PNG, JPEG and BMP of any mode, by Pillow, in bounded memory.

Palette, grey, 16-bit and CMYK pictures become RGB; transparent pixels show white, the paper behind
them. A camera's orientation tag is obeyed; of several pictures in one file the first is taken.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from components.core.errors import RecordError
from components.core.readers.rawfile import RawFile

FORMATS = ("PNG", "JPEG", "BMP")
# A4 at 600 dots per inch has 35 million pixels and 7,016 on its longer side.
MAX_SIDE = 16_384
MAX_PIXELS = 80_000_000
# Four bytes a pixel, as an uncompressed BMP of that size has them, and a megabyte of headers.
MAX_BYTES = 4 * MAX_PIXELS + (1 << 20)
_WHITE = (255, 255, 255)
# 65,535 / 257 = 255: the whole range of 16 bits onto that of 8.
_DEEP = 257
_FIELD = "ecg_image"


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: `[H, W, 3]` uint8, red, green, blue.
    """

    pixels: npt.NDArray[np.uint8]


def read_image(raw: RawFile) -> Picture:
    """Return the picture in a file, its format recognised by content.

    Raises:
        RecordError: `empty_file`, `not_an_image`, `image_too_large`, `damaged_image`.
    """
    data = raw.head(MAX_BYTES + 1)
    if not data:
        raise RecordError("empty_file", "the file is empty", field=_FIELD)
    if len(data) > MAX_BYTES:
        raise _too_large(f"more than {MAX_BYTES:,} bytes")
    with _quiet(), _opened(data) as opened:
        width, height = opened.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise _too_large(f"{width:,} × {height:,} pixels")
        return Picture(pixels=_decoded(opened))


@contextmanager
def _quiet() -> Generator[None]:
    """Keep Pillow's warnings down: of many pixels, which the bounds refuse, and of odd headers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large("more pixels than can be decoded safely") from error
    except MemoryError:
        raise
    except Exception as error:
        raise RecordError(
            "not_an_image",
            "the file is no PNG, JPEG or BMP picture that can be opened",
            field=_FIELD,
            advice="export the page as PNG or JPEG",
        ) from error


def _decoded(opened: Image.Image) -> npt.NDArray[np.uint8]:
    try:
        return np.asarray(_rgb(ImageOps.exif_transpose(opened)), np.uint8)
    except MemoryError:
        raise
    except Exception as error:
        raise RecordError(
            "damaged_image",
            f"the picture cannot be decoded to its end ({type(error).__name__})",
            field=_FIELD,
            advice="export it again",
        ) from error


def _too_large(what: str) -> RecordError:
    return RecordError(
        "image_too_large",
        f"the picture has {what}; at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} in all are read",
        field=_FIELD,
        value=what,
        advice="scan it at 300 dots per inch",
    )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _deep(image).convert("RGB")
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"}:
        layer = image.convert("RGBA")
        paper = Image.new("RGB", layer.size, _WHITE)
        paper.paste(layer, mask=layer)
        return paper
    return image.convert("RGB")


def _deep(image: Image.Image) -> Image.Image:
    """Return a 16-bit grey picture in 8 bits, the one value that is transparent as white."""
    values = np.asarray(image, np.uint32)
    grey = (values // _DEEP).astype(np.uint8)
    clear = image.info.get("transparency")
    if clear is not None:
        grey[values == int(clear)] = _WHITE[0]
    return Image.fromarray(grey)
