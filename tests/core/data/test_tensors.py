"""Shards read back, through a memory map, exactly as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from components.core.data.tensors import TensorReader, write_tensors
from components.core.errors import InputError


def arrays(n: int = 5, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "ecg": rng.integers(-32768, 32767, (n, 3, 16), endpoint=True).astype(np.int16),
        "scale": rng.random((n, 3), np.float32),
        "lead_mask": rng.random((n, 3)) < 0.7,
        "valid": np.tile(np.array([0, 16], np.int32), (n, 1)) + seed,
        "moments": rng.random((n, 3, 3)),
    }


@pytest.fixture
def shards(tmp_path: Path) -> dict[int, dict[str, Any]]:
    written = {number: arrays(seed=number) for number in (0, 3)}
    for number, each in written.items():
        facts = {"fs": 500.0, "leads": ["I", "II", "V1"], "unit": "mV"}
        write_tensors(tmp_path / f"{number:05d}.h5", **each, facts=facts)
    return written


def test_random_rows_of_several_shards_equal_what_was_written(
    shards: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    reader = TensorReader(tmp_path, [0, 3])
    shard = np.array([3, 0, 3, 3, 0, 0])
    row = np.array([4, 4, 0, 4, 1, 0])
    for name in ("ecg", "scale", "lead_mask", "valid", "moments"):
        found = getattr(reader, name)(shard, row)
        expected = np.stack([shards[s][name][r] for s, r in zip(shard, row, strict=True)])
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_the_memory_map_cannot_be_written_and_rows_are_copies(
    shards: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    reader = TensorReader(tmp_path, [0])
    assert not reader._ecg[0].flags.writeable
    rows = reader.ecg(np.array([0]), np.array([0]))
    rows[:] = 0
    again = reader.ecg(np.array([0]), np.array([0]))
    np.testing.assert_array_equal(again[0], shards[0]["ecg"][0])


def test_no_row_is_an_empty_batch(shards: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    none = np.array([], dtype=np.int64)
    assert TensorReader(tmp_path, [0]).ecg(none, none).shape == (0, 3, 16)


def test_attributes_are_kept(shards: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "00003.h5") as file:
        assert file.attrs["fs"] == 500.0
        assert list(file.attrs["leads"]) == ["I", "II", "V1"]


@pytest.mark.parametrize("name", ["ecg", "scale", "lead_mask", "valid", "moments"])
def test_a_missing_data_set_is_named(
    shards: dict[int, dict[str, Any]], tmp_path: Path, name: str
) -> None:
    with h5py.File(tmp_path / "00003.h5", "a") as file:
        del file[name]
    with pytest.raises(InputError, match=f"shard '00003.h5' lacks {name}; prepare again"):
        TensorReader(tmp_path, [0, 3])


def test_a_chunked_data_set_is_refused(shards: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "00000.h5", "a") as file:
        del file["ecg"]
        file.create_dataset("ecg", data=shards[0]["ecg"], chunks=(1, 3, 16))
    with pytest.raises(InputError, match=r"shard '00000.h5' is not contiguous; prepare it again"):
        TensorReader(tmp_path, [0])
