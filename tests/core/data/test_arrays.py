"""Images and sounds as fixed-shape arrays: shards, records without any, training statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.data.arrays import (
    ArrayPart,
    ArrayShard,
    ArrayStats,
    array_stats,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.batches import array_batch
from components.core.data.finish import ArrayNormaliser
from components.core.errors import InputError

SHAPE = (3, 4, 5)  # windows, channels, frames


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, (6, *SHAPE)).astype(np.float16)


@pytest.fixture
def stage(tmp_path: Path, values: np.ndarray) -> Path:
    """Two shards of three heart sounds each; the last window of each second one is missing."""
    folder = shard_folder(tmp_path, "pcg")
    folder.mkdir(parents=True)
    for shard in range(2):
        own = values[3 * shard : 3 * shard + 3].copy()
        valid = np.ones((3, 3), np.bool_)
        valid[1, 2] = False
        moments = [channel_moments(each[there], 1) for each, there in zip(own, valid, strict=True)]
        own[~valid] = 99  # what lies there must never be seen
        write_array(
            folder / f"{shard:05d}.h5",
            ArrayShard(values=own, valid=valid, moments=np.stack(moments), axis=1, facts={"fs": 5}),
        )
    return tmp_path


def manifest(shards: list[int | None], rows: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {"shard.pcg": pd.array(shards, "Int64"), "shard_row.pcg": pd.array(rows, "Int64")}
    )


def opened(stage: Path) -> ArrayPart:
    return open_arrays(stage, manifest([1, None, 0, 0], [2, None, 1, 0]))["pcg"]


def test_rows_come_back_as_stored_in_the_order_asked_for(stage: Path, values: np.ndarray) -> None:
    part = opened(stage)
    got = part.values(np.array([3, 0]))
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, values[[0, 5]])


def test_a_record_without_it_has_zeros_and_no_window(stage: Path) -> None:
    part = opened(stage)
    assert part.there.tolist() == [True, False, True, True]
    assert not part.values(np.array([1])).any()
    valid = part.valid(np.array([1, 2]))
    assert valid is not None
    assert valid.tolist() == [[False] * 3, [True, True, False]]


def test_taken_records_keep_their_own_arrays(stage: Path, values: np.ndarray) -> None:
    part = opened(stage).take(np.array([2, 1]))
    assert part.there.tolist() == [True, False]
    np.testing.assert_array_equal(part.values(np.array([0]))[0, :2], values[1, :2])


def test_rows_that_all_lack_it_still_have_its_shape(stage: Path) -> None:
    part = open_arrays(stage, manifest([None, None], [None, None]))["pcg"]
    assert part.values(np.arange(2)).shape == (2, *SHAPE)
    assert not part.there.any()
    with pytest.raises(InputError, match="no record of a training part has the heart sound; leave"):
        array_stats(part)


def test_statistics_are_those_of_the_windows_that_are_there(
    stage: Path, values: np.ndarray
) -> None:
    stats = array_stats(opened(stage))
    there = np.concatenate([values[5], values[1, :2], values[0]]).astype(np.float64)
    flat = np.moveaxis(there, 1, 0).reshape(4, -1)
    np.testing.assert_allclose(stats.mean, flat.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(stats.sd, flat.std(axis=1), rtol=1e-12)
    assert (stats.axis, stats.shape) == (1, SHAPE)


def test_a_constant_channel_has_an_sd_of_one(tmp_path: Path) -> None:
    folder = shard_folder(tmp_path, "ecg_image")
    folder.mkdir(parents=True)
    white = np.full((2, 1, 4, 4), 255, np.uint8)
    moments = np.stack([channel_moments(each, 0) for each in white])
    write_array(folder / "00000.h5", ArrayShard(values=white, valid=None, moments=moments, axis=0,
                                                facts={}))  # fmt: skip
    frame = pd.DataFrame({"shard.ecg_image": [0, 0], "shard_row.ecg_image": [0, 1]})
    part = open_arrays(tmp_path, frame)["ecg_image"]
    assert array_stats(part) == ArrayStats(axis=0, shape=(1, 4, 4), mean=(255.0,), sd=(1.0,))
    assert part.valid(np.arange(2)) is None


def test_a_cohort_without_arrays_opens_none(tmp_path: Path) -> None:
    assert open_arrays(tmp_path, pd.DataFrame({"sample_id": ["a"]})) == {}


@pytest.mark.parametrize("damage", ["gone", "text"])
def test_a_damaged_shard_is_named(stage: Path, damage: str) -> None:
    file = shard_folder(stage, "pcg") / "00001.h5"
    file.unlink()
    if damage == "text":
        file.write_text("nothing")
    with pytest.raises(InputError, match=r"shard 'pcg/00001\.h5' cannot be read; prepare"):
        opened(stage)


def test_a_shard_in_pieces_is_refused(stage: Path) -> None:
    import h5py

    with h5py.File(shard_folder(stage, "pcg") / "00001.h5", "w") as file:
        file.create_dataset("values", data=np.zeros((3, *SHAPE)), chunks=(1, *SHAPE))
    with pytest.raises(InputError, match="not contiguous; prepare the cohort again"):
        opened(stage)


def test_missing_entries_of_an_embedding_do_not_count() -> None:
    value = np.array([1.0, np.nan, 5.0], np.float32)
    np.testing.assert_array_equal(
        channel_moments(value, 0), [[1, 1, 0], [0, 0, 0], [1, 5, 0]]
    )


def test_an_embedding_brings_its_quality(tmp_path: Path) -> None:
    folder = shard_folder(tmp_path, "emb_spatial")
    folder.mkdir(parents=True)
    values = np.array([[1, 2], [3, np.nan]], np.float32)
    moments = np.stack([channel_moments(each, 0) for each in values])
    shard = ArrayShard(values=values, valid=None, moments=moments, axis=0, facts={})
    write_array(folder / "00000.h5", shard)
    frame = pd.DataFrame(
        {
            "shard.emb_spatial": [0, None, 0],
            "shard_row.emb_spatial": [1, None, 0],
            "quality.emb_spatial": [0.5, None, 1.0],
        }
    )
    part = open_arrays(tmp_path, frame)["emb_spatial"]
    batch = array_batch({"emb_spatial": part.take(np.array([1, 0]))}, np.arange(2))
    assert batch["emb_spatial_quality"].tolist() == [0.0, 0.5]
    assert batch["emb_spatial_mask"].tolist() == [0.0, 1.0]
    stats = array_stats(part)
    assert (stats.mean, stats.sd) == ((2.0, 2.0), (1.0, 1.0))
    ready = ArrayNormaliser("emb_spatial", stats)(batch)
    assert ready.tolist() == [[0.0, 0.0], [1.0, 0.0]]
