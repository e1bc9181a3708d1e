"""Small picture files made in memory, also ones that no program would write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """Return a picture as a file of a format."""
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def trace(width: int = 60, height: int = 40) -> Image.Image:
    """Return paper with a dark curve, of few colours."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:, ::10] = (250, 180, 180)
    at = (height / 2 + height / 3 * np.sin(np.arange(width) / 5)).astype(int)
    pixels[at, np.arange(width)] = (20, 20, 40)
    return Image.fromarray(pixels)


def declared_png(width: int, height: int, *, packed: bytes = b"") -> bytes:
    """Return an 8-bit grey PNG of a stated size, which holds what is given and no more."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def blank_png(width: int, height: int) -> bytes:
    """Return a whole black PNG, of which a thousandth is stored."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    return declared_png(width, height, packed=packed)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check
