"""Pictures of ECGs: PNG, JPEG and BMP of any mode, by Pillow, in bounded memory.

Palette, grey, 16-bit and CMYK pictures become RGB; transparent pixels show white, the paper behind
them. A camera's orientation tag is obeyed.
"""

from __future__ import annotations

import io
import warnings
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
_WHITE = (255, 255, 255)
# 65,535 / 257 = 255: the whole range of 16 bits onto that of 8.
_DEEP = 257


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
        RecordError: `not_an_image`, `image_too_large`, `damaged_image`.
    """
    stream = io.BytesIO(raw.data())
    try:
        with warnings.catch_warnings():
            # Pillow warns of a great many pixels; the bounds below refuse them, with their number.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large("more pixels than can be decoded safely") from error
    except Exception as error:
        raise RecordError(
            "not_an_image",
            "the file is no PNG, JPEG or BMP picture that can be opened",
            field="ecg_image",
            advice="export the page as PNG or JPEG",
        ) from error
    with opened:
        width, height = opened.size
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise _too_large(f"{width} × {height} pixels")
        try:
            return Picture(pixels=np.asarray(_rgb(ImageOps.exif_transpose(opened)), np.uint8))
        except Exception as error:
            raise RecordError(
                "damaged_image",
                f"the picture cannot be decoded to its end ({type(error).__name__})",
                field="ecg_image",
                advice="export it again",
            ) from error


def _too_large(what: str) -> RecordError:
    return RecordError(
        "image_too_large",
        f"the picture has {what}; at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} in all are read",
        field="ecg_image",
        value=what,
        advice="scan it at 300 dots per inch",
    )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image, np.uint32) // _DEEP).astype(np.uint8))
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"}:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (*_WHITE, 255))
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")
