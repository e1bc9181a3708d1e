"""A picture of any size → a tensor of one size, its aspect kept, the rest white paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from components.core.errors import RecordError
from components.core.media.config import ImageConfig
from components.core.readers.image import Picture

_WHITE = 255


def check_page(picture: Picture) -> None:
    """Refuse a picture of one colour: it holds no ECG, and equals every other blank page.

    Raises:
        RecordError: `blank_image`.
    """
    if (picture.pixels.min(axis=(0, 1)) == picture.pixels.max(axis=(0, 1))).all():
        raise RecordError(
            "blank_image",
            "the picture is blank: all of its pixels have one colour",
            field="ecg_image",
            advice="scan or export the page again",
        )


def image_array(picture: Picture, config: ImageConfig) -> npt.NDArray[np.uint8]:
    """Return `[C, height, width]` uint8, the picture in the middle."""
    own = Image.fromarray(picture.pixels)
    scale = min(config.height / own.height, config.width / own.width)
    size = (max(1, round(own.width * scale)), max(1, round(own.height * scale)))
    # Box averages first where it shrinks a lot: thin traces fade evenly and none is skipped.
    small = own.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    mode, paper = ("L", _WHITE) if config.colour == "grey" else ("RGB", (_WHITE,) * 3)
    page = Image.new(mode, (config.width, config.height), paper)
    page.paste(small.convert(mode), ((config.width - size[0]) // 2, (config.height - size[1]) // 2))
    values = np.asarray(page, np.uint8)
    return values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))
