"""Pictures and sounds in a stage: what went in comes out, and damage is told."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from components.core.data.growing import written
from components.core.data.media import (
    MediaReader,
    MediaWriter,
    Piece,
    joint_hash,
    picture_hash,
    sound_hash,
)
from components.core.errors import InputError
from components.core.readers.audio import Sound
from components.core.readers.image import Picture, read_image
from components.core.readers.rawfile import DiskFile
from tests.media_files import write_picture


def test_pieces_come_back_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = [rng.integers(-900, 900, n).astype(np.int16) for n in (5, 9)]
    floats = rng.normal(size=7).astype(np.float32)
    with written(tmp_path / "pcg" / "00003.h5", MediaWriter) as writer:
        first = writer.add(
            [Piece(values=counts[0], fs=4000, lsb=0.5), Piece(values=floats, fs=8000)]
        )
        second = writer.add([Piece(values=counts[1], fs=500, lsb=0.25)])
    assert [p.name for p in (tmp_path / "pcg").iterdir()] == ["00003.h5"]
    reader = MediaReader(tmp_path / "pcg")
    one, two = reader.sounds(3, first)
    (three,) = reader.sounds(3, second)
    reader.close()
    np.testing.assert_array_equal(one.values, counts[0])
    np.testing.assert_array_equal(two.values, floats)
    np.testing.assert_array_equal(three.values, counts[1])
    assert [(s.fs, s.lsb, s.values.dtype) for s in (one, two, three)] == [
        (4000, 0.5, np.int16), (8000, 1.0, np.float32), (500, 0.25, np.int16),
    ]  # fmt: skip


def test_a_picture_is_kept_as_its_file(tmp_path: Path) -> None:
    name = write_picture(tmp_path, "a.jpg", seed=3)
    content = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
    with written(tmp_path / "00000.h5", MediaWriter) as writer:
        writer.add([Piece(values=content[:10])])
        row = writer.add([Piece(values=content)])
    expected = read_image(DiskFile(tmp_path / name, tmp_path))
    np.testing.assert_array_equal(MediaReader(tmp_path).picture(0, row).pixels, expected.pixels)


def test_other_types_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="dtype float64; readers return"),
        written(tmp_path / "00000.h5", MediaWriter) as writer,
    ):
        writer.add([Piece(values=np.zeros(3))])
    assert not list(tmp_path.iterdir())


def test_a_shard_that_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"00007.h5' cannot be read; ingest again"):
        MediaReader(tmp_path).pieces(7, 0)
    with h5py.File(tmp_path / "00000.h5", "w") as file:
        file["int16"] = np.zeros(3, np.int16)
    with pytest.raises(InputError, match=r"00000.h5' cannot be read; ingest again"):
        MediaReader(tmp_path).pieces(0, 0)


def test_hashes_are_of_the_content(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp"):
        write_picture(tmp_path, name, seed=1)
    png, bmp = (picture_hash(read_image(DiskFile(tmp_path / n, tmp_path))) for n in
                ("a.png", "a.bmp"))  # fmt: skip
    assert png == bmp
    pixels = np.zeros((2, 6, 3), np.uint8)
    turned = pixels.reshape(6, 2, 3)
    assert picture_hash(Picture(pixels=pixels)) != picture_hash(Picture(pixels=turned))
    values = np.arange(4, dtype=np.int16)
    sounds = [Sound(values=values, fs=fs, lsb=lsb) for fs, lsb in ((1, 1), (2, 1), (1, 2))]
    assert len({sound_hash(sound) for sound in sounds}) == 3
    assert joint_hash(["b", "a"]) == joint_hash(["a", "b"]) != joint_hash(["a", "a"])
    assert joint_hash(["x"]) == "x"
