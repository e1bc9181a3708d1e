"""Pictures of every mode, and files that are none."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from components.core.errors import RecordError
from components.core.media.config import ImageConfig
from components.core.media.image import image_array
from components.core.readers import image
from components.core.readers.image import read_image
from components.core.readers.rawfile import DiskFile, MemoryFile
from tests.core.readers.picture_files import blank_png, declared_png, encoded, trace

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"


def read(content: bytes) -> np.ndarray:
    return read_image(MemoryFile("x", content)).pixels


def refused(content: bytes, code: str, sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence) as caught:
        read(content)
    assert (caught.value.code, caught.value.field) == (code, "ecg_image")


def test_colours_come_as_they_are() -> None:
    whole = np.asarray(trace())
    for form in ("PNG", "BMP"):
        np.testing.assert_array_equal(read(encoded(trace(), form)), whole)
    np.testing.assert_array_equal(read(encoded(trace().convert("RGBA"))), whole)


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_palettes_grey_and_black_and_white(form: str) -> None:
    few = trace().quantize(4)
    np.testing.assert_array_equal(read(encoded(few, form)), np.asarray(few.convert("RGB")))
    grey = trace().convert("L")
    np.testing.assert_array_equal(read(encoded(grey, form))[..., 1], np.asarray(grey))
    ink = grey.convert("1")
    np.testing.assert_array_equal(read(encoded(ink, form))[..., 2], np.asarray(ink) * 255)


def test_what_is_transparent_is_white_paper() -> None:
    few = trace().quantize(4)
    index = np.asarray(few)
    clear = read(encoded(few, transparency=1))
    assert (clear[index == 1] == 255).all()
    np.testing.assert_array_equal(clear[index != 1], np.asarray(few.convert("RGB"))[index != 1])
    half = read(encoded(few, transparency=bytes([255, 0, 128, 255])))
    assert (half[index == 1] == 255).all()
    own = np.asarray(few.convert("RGB")).astype(int)
    mixed = (own * 128 + 255 * 127) / 255
    assert np.abs(half[index == 2] - mixed[index == 2]).max() <= 1
    shade = Image.fromarray(np.array([[0, 100], [200, 255]], np.uint8))
    both = Image.merge("LA", (shade, Image.fromarray(np.array([[255, 0], [0, 0]], np.uint8))))
    assert read(encoded(both))[..., 0].tolist() == [[0, 255], [255, 255]]
    assert read(encoded(shade, transparency=200))[..., 0].tolist() == [[0, 100], [255, 255]]


def test_sixteen_bits_are_scaled_whole() -> None:
    deep = Image.fromarray(np.array([[0, 257, 65535], [32896, 514, 700]], np.uint16))
    expected = [[0, 1, 255], [128, 2, 2]]
    assert read(encoded(deep))[..., 0].tolist() == expected
    clear = [[0, 1, 255], [255, 2, 2]]
    assert read(encoded(deep, transparency=32896))[..., 0].tolist() == clear


def test_jpeg_of_ink_and_of_grey_is_near() -> None:
    flat = Image.new("RGB", (32, 16), (200, 120, 40))
    for mode in ("RGB", "CMYK"):
        found = read(encoded(flat.convert(mode), "JPEG", quality=95))
        assert np.abs(found.astype(int) - (200, 120, 40)).max() <= 4
    grey = read(encoded(flat.convert("L"), "JPEG"))
    assert np.ptp(grey, axis=2).max() == 0


def test_a_turned_camera_is_obeyed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    turned = read(encoded(trace(), "PNG", exif=exif))
    np.testing.assert_array_equal(turned, np.rot90(np.asarray(trace()), k=-1))


def test_the_first_of_a_telephones_pictures_is_taken() -> None:
    other = Image.new("RGB", (60, 40), (0, 0, 0))
    several = encoded(trace(), "MPO", save_all=True, append_images=[other])
    assert several[:2] == b"\xff\xd8"  # JPEG to all who look
    assert read(several).mean() > 150


def test_one_picture_in_two_forms_is_one_tensor() -> None:
    few = trace(300, 170).quantize(8)
    config = ImageConfig(height=96, width=144, colour="rgb")
    one = read_image(MemoryFile("a.bmp", encoded(few, "BMP")))
    two = read_image(MemoryFile("a.png", encoded(few.convert("RGBA"))))
    np.testing.assert_array_equal(image_array(one, config), image_array(two, config))


def test_an_empty_file_is_told_from_a_wrong_one() -> None:
    refused(b"", "empty_file", "the file is empty")


@pytest.mark.parametrize("form", ["GIF", "TIFF", "WEBP", "PPM", "ICO"])
def test_other_pictures_are_refused(form: str) -> None:
    refused(encoded(trace(), form), "not_an_image", "no PNG, JPEG or BMP picture")


@pytest.mark.parametrize(
    "content",
    [
        b"patient;age\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff", b"BM", declared_png(0, 10),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    refused(content, "not_an_image", "export the page as PNG or JPEG")


@pytest.mark.parametrize("form", ["PNG", "BMP", "JPEG"])
def test_a_picture_cut_short_is_refused(form: str) -> None:
    content = encoded(trace(400, 300), form)
    refused(content[: 2 * len(content) // 3], "damaged_image", "cannot be decoded to its end")


def test_a_picture_with_a_wrong_sum_is_refused() -> None:
    content = bytearray(encoded(trace()))
    content[content.index(b"IDAT") + 20] ^= 4
    refused(bytes(content), "damaged_image", "export it again")


def test_pages_too_wide_or_too_many_pixels() -> None:
    refused(declared_png(20_000, 100), "image_too_large", "20,000 × 100 pixels; at most 16,384")
    refused(declared_png(10_000, 9_000), "image_too_large", "10,000 × 9,000 pixels")
    for side in (60_000, 2**31 - 1):
        refused(declared_png(side, side), "image_too_large", "than can be decoded safely")


def test_a_file_of_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(trace())
    monkeypatch.setattr(image, "MAX_BYTES", len(content))
    assert read(content).shape == (40, 60, 3)
    refused(content + b"0", "image_too_large", "the picture has more than")


def test_text_chunks_beside_a_picture() -> None:
    plain = PngImagePlugin.PngInfo()
    plain.add_text("Comment", "a" * 5_000_000)
    np.testing.assert_array_equal(read(encoded(trace(), pnginfo=plain)), np.asarray(trace()))
    packed = PngImagePlugin.PngInfo()
    packed.add_text("Comment", "a" * 50_000_000, zip=True)
    refused(encoded(trace(), pnginfo=packed), "not_an_image", "no PNG, JPEG or BMP picture")


def test_a_lack_of_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(image.ImageOps, "exif_transpose", full)
        with pytest.raises(MemoryError):
            read(encoded(trace()))
    content = encoded(trace())
    monkeypatch.setattr(image.Image, "open", full)
    with pytest.raises(MemoryError):
        read(content)


# What a bomb of 75 million pixels takes: three bytes a pixel for the answer, and the steps to it.
BOMB = """
import resource, sys
from components.core.errors import RecordError
from components.core.readers.image import read_image
from components.core.readers.rawfile import MemoryFile
from tests.fuzz.worker import limit_memory
limit_memory(1100 << 20)
print(read_image(MemoryFile("x", sys.stdin.buffer.read())).pixels.shape)
"""


def test_a_packed_page_is_read_in_bounded_memory() -> None:
    content = blank_png(15_000, 5_000)
    assert len(content) < 100_000
    done = subprocess.run(
        [sys.executable, "-c", BOMB], input=content, cwd=ROOT, capture_output=True, check=False
    )
    assert done.stdout.strip() == b"(5000, 15000, 3)", done.stderr[-1000:]


SEEDS = [
    encoded(trace()), encoded(trace().quantize(4), transparency=1), encoded(trace(), "BMP"),
    encoded(trace(), "JPEG"), encoded(trace().convert("LA")),
]  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=4)), max_size=4),
    st.floats(0.3, 1),
)
def test_damage_is_refused_or_read(
    content: bytes, edits: list[tuple[float, bytes]], kept: float
) -> None:
    for place, new in edits:
        at = round(place * place * len(content))  # headers oftener than pixels
        content = content[:at] + new + content[at + len(new) :]
    with contextlib.suppress(RecordError):  # any other error is a fault
        found = read(content[: round(kept * len(content))] if kept < 0.5 else content)
        assert found.dtype == np.uint8
        assert found.ndim == 3


@pytest.mark.real_data
def test_published_pages_become_one_size() -> None:
    folder = DATA / "ecg_images"
    if not folder.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    files = [f for f in sorted(folder.iterdir()) if f.suffix in {".png", ".jpg", ".bmp"}]
    assert len(files) == 14
    for file in files:
        picture = read_image(DiskFile(file, DATA))
        array = image_array(picture, ImageConfig())
        assert array.shape == (1, 192, 288)
        assert array.std() > 10, file.name
