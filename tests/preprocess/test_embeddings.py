"""Embeddings → array shards: in the right rows, by the right settings, nothing lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from components.core.data import foldstats
from components.core.data.arrays import open_arrays, shard_folder
from components.core.data.cohort import read_part, stats_path
from components.core.data.growing import written
from components.core.data.stored_embeddings import EmbeddingWriter, stored_embedding
from components.core.errors import InputError
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.store import Stage
from components.ingest import run as ingest_run
from components.preprocess import embedding_chunks
from components.preprocess.embedding_chunks import Plan, pooled, spread, transform_embeddings
from tests.chain import manifest_of, rejects_of
from tests.embedding_cohort import (
    PATCHES,
    WIDTHS,
    ingested_embeddings,
    prepared_embeddings,
    write_embedding_cohort,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("embeddings")
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        patch.setattr(ingest_run, "CHUNK", 16)
        return ingested_embeddings(write_embedding_cohort(folder))


def _stored(source: Stage, name: EmbeddingModality) -> dict[str, np.ndarray]:
    """Return record → `[P, W]` as ingest keeps it."""
    frame = manifest_of(source)
    folder = shard_folder(source.folder, name)
    rows = frame[frame[f"shard.{name}"].notna()]
    return {
        row["sample_id"]: stored_embedding(
            folder, int(row[f"shard.{name}"]), int(row[f"shard_row.{name}"])
        )
        for row in rows.to_dict("records")
    }


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("pool", ["mean", "max"])
def test_every_record_has_its_own_vectors(source: Stage, pool: str) -> None:
    stage = prepared_embeddings(source, embeddings={"pool": pool})
    frame = manifest_of(stage)
    arrays = open_arrays(stage.folder, frame)
    assert tuple(arrays) == EMBEDDED == tuple(stage.facts["modalities"])
    everyone = np.arange(len(frame))
    for name, part in arrays.items():
        assert name in EMBEDDED
        stored = _stored(source, name)
        values = part.values(everyone)
        assert values.dtype == np.float32
        assert part.reader.axis == 0
        assert part.valid(everyone) is None
        assert set(frame.loc[part.there, "sample_id"]) == set(stored)
        for place in np.flatnonzero(part.there):
            own = stored[frame["sample_id"].iloc[place]]
            expected = own.mean(axis=0) if pool == "mean" else own.max(axis=0)
            np.testing.assert_allclose(values[place], expected, rtol=1e-5)
        assert stage.counts[f"records_with_{name}"] == len(stored)
    facts = stage.facts["embeddings"]
    assert facts["pool"] == pool
    assert facts["widths"] == {f"emb_{short}": width for short, width in WIDTHS.items()}
    assert set(facts["patches"].values()) == {0}
    quality = arrays["emb_spatial"].quality
    assert quality is not None
    kept = manifest_of(source).set_index("sample_id")["quality.emb_spatial"]
    np.testing.assert_allclose(quality, kept[frame["sample_id"]].fillna(0), rtol=1e-6)


@pytest.mark.usefixtures("data_folder")
def test_attention_keeps_patches_and_says_which_are_there(source: Stage) -> None:
    stage = prepared_embeddings(source, embeddings={"pool": "attention", "max_patches": 3})
    arrays = open_arrays(stage.folder, manifest_of(stage))
    part = arrays["emb_spatial"]
    assert part.reader.shape == (3, WIDTHS["spatial"])
    assert part.reader.axis == 1
    stored = _stored(source, "emb_spatial")
    assert max(len(own) for own in stored.values()) == PATCHES
    held = np.flatnonzero(part.there)
    values, valid = part.values(held), part.valid(held)
    assert valid is not None
    for own, row, there in zip(
        manifest_of(stage)["sample_id"].iloc[held], values, valid, strict=True
    ):
        vectors = stored[own]
        kept = min(3, len(vectors))
        assert there.tolist() == [place < kept for place in range(3)]
        chosen = [place * len(vectors) // kept for place in range(kept)]
        np.testing.assert_array_equal(row[:kept], vectors[chosen])
        assert not row[kept:].any()
    # One vector a patient needs no patches.
    assert arrays["emb_clinical"].reader.shape == (WIDTHS["clinical"],)
    assert stage.facts["embeddings"]["patches"]["emb_spatial"] == 3


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_statistics_are_those_of_the_training_part(source: Stage, pool: str) -> None:
    stage = prepared_embeddings(source, heads=None, embeddings={"pool": pool})
    stats = foldstats.load(stats_path(stage.folder, "holdout"))
    frame = manifest_of(stage)
    train = frame[(frame["part.holdout"] == "train") & frame["label"].notna()]
    for name, part in open_arrays(stage.folder, train).items():
        held = np.flatnonzero(part.there)
        values, valid = part.values(held), part.valid(held)
        flat = values if valid is None else values[valid]
        np.testing.assert_allclose(stats.arrays[name].mean, flat.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(stats.arrays[name].sd, flat.std(axis=0), rtol=1e-4)


@pytest.mark.usefixtures("data_folder")
def test_statistics_do_not_depend_on_the_blocks(
    source: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = prepared_embeddings(source, embeddings={"pool": "attention"})
    arrays = open_arrays(stage.folder, manifest_of(stage))
    from components.core.data import arrays as module

    whole = {name: module.array_stats(part) for name, part in arrays.items()}
    monkeypatch.setattr(module, "_BLOCK", 40)
    for name, part in arrays.items():
        blocks = module.array_stats(part)
        np.testing.assert_allclose(blocks.mean, whole[name].mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(blocks.sd, whole[name].sd, rtol=1e-9)


@pytest.mark.usefixtures("data_folder")
def test_the_rows_are_the_same_however_much_is_read_at_a_time(
    source: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = prepared_embeddings(source)
    expected = open_arrays(first.folder, manifest_of(first))
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "again"))
    monkeypatch.setattr(embedding_chunks, "_BLOCK_BYTES", 1)
    again = prepared_embeddings(source)
    found = open_arrays(again.folder, manifest_of(again))
    everyone = np.arange(len(manifest_of(first)))
    for name, part in expected.items():
        np.testing.assert_array_equal(part.values(everyone), found[name].values(everyone))


@pytest.mark.usefixtures("data_folder")
def test_blocks_without_a_good_record_are_passed_over(
    source: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_chunks, "_BLOCK_BYTES", 1)
    stage = prepared_embeddings(source, embeddings={"min_quality": 0.6})
    arrays = open_arrays(stage.folder, manifest_of(stage))
    stored = _stored(source, "emb_spatial")
    part = arrays["emb_spatial"]
    for place in np.flatnonzero(part.there):
        own = stored[manifest_of(stage)["sample_id"].iloc[place]]
        np.testing.assert_allclose(part.values(np.array([place]))[0], own.mean(axis=0), rtol=1e-5)


@pytest.mark.usefixtures("data_folder")
def test_low_quality_counts_as_absent(source: Stage) -> None:
    before = manifest_of(source)["quality.emb_spatial"]
    low = int((before < 0.6).sum())
    assert 0 < low < before.notna().sum()
    stage = prepared_embeddings(source, embeddings={"min_quality": 0.6})
    refused = rejects_of(stage)
    assert refused["code"].eq("low_quality").sum() == low
    assert set(refused.loc[refused["code"] == "low_quality", "field"]) == {"emb_spatial"}
    kept = manifest_of(stage)
    assert int(kept["shard.emb_spatial"].notna().sum()) == int((before >= 0.6).sum())
    assert kept["quality.emb_spatial"].dropna().min() >= 0.6
    assert kept.loc[kept["shard.emb_spatial"].isna(), "quality.emb_spatial"].isna().all()


@pytest.mark.usefixtures("data_folder")
def test_a_quality_that_nobody_has_is_an_error(source: Stage) -> None:
    with pytest.raises(InputError, match=r"spatial embedding is of a quality below .* \(1\)"):
        prepared_embeddings(source, embeddings={"min_quality": 1.0})


@pytest.mark.usefixtures("data_folder")
def test_a_record_without_any_named_modality_is_refused(source: Stage) -> None:
    lacking = int(manifest_of(source)["shard.emb_semantic"].isna().sum())
    stage = prepared_embeddings(source, modalities=["emb_semantic"])
    assert rejects_of(stage)["code"].tolist() == ["nothing_left"] * lacking
    assert stage.facts["modalities"] == ["emb_semantic"]
    assert "shard.emb_clinical" not in manifest_of(stage)
    assert read_part(stage, "holdout", "train").modalities == ("emb_semantic",)


@pytest.mark.usefixtures("data_folder")
def test_a_modality_that_no_record_has_is_an_error(tmp_path: Path) -> None:
    table = write_embedding_cohort(tmp_path, patients=12)
    stage = ingested_embeddings(table, {"files": {"clinical": "clinical.h5"}})
    with pytest.raises(
        InputError, match=r"none of 12 records has the semantic embedding.*'semantic'"
    ):
        prepared_embeddings(stage, modalities=["emb_clinical", "emb_semantic"])


@pytest.mark.usefixtures("data_folder")
def test_names_of_columns_are_kept(tmp_path: Path) -> None:
    table = write_embedding_cohort(tmp_path)
    names = [f"field {i}" for i in range(WIDTHS["clinical"])]
    with h5py.File(tmp_path / "clinical.h5", "r+") as file:
        file["names"] = names
    files = {"clinical": {"file": "clinical.h5", "columns": "names"}, "temporal": "temporal.h5"}
    source = ingested_embeddings(table, {"files": files})
    stage = prepared_embeddings(source, modalities=["emb_clinical", "emb_temporal"])
    assert stage.facts["embeddings"]["columns"] == {"emb_clinical": names}


def test_missing_entries_are_no_part_of_a_pool() -> None:
    vectors = np.array([[1, np.nan], [3, np.nan], [5, 7]], np.float32)
    offsets = np.array([0, 2, 3])
    for pool, first in (("mean", 2.0), ("max", 3.0)):
        found = pooled(vectors, offsets, pool)
        np.testing.assert_array_equal(found, [[first, np.nan], [5, 7]])
    np.testing.assert_array_equal(pooled(vectors, np.arange(4), "mean"), vectors)


def test_half_precision_is_kept_and_pooled_exactly(tmp_path: Path) -> None:
    ones = np.ones((5000, 2), np.float16)
    with written(tmp_path / "00000.h5", EmbeddingWriter) as writer:
        writer.add(ones)
        writer.add(3 * ones)
    rows = pd.DataFrame({"sample_id": ["b", "a"], "row": [3, 2]}).assign(
        **{"shard.emb_spatial": 0, "shard_row.emb_spatial": [1, 0], "sha256.emb_spatial": "x",
           "quality.emb_spatial": 1.0}
    )  # fmt: skip
    work = tmp_path / "work"
    (work / "shards" / "emb_spatial").mkdir(parents=True)
    (work / "parts" / "emb_spatial").mkdir(parents=True)
    plan = Plan(pool="mean", patches=0, min_quality=0, dtype="float16")
    arguments: tuple[Any, ...] = (0, "emb_spatial", rows, tmp_path, work, plan)
    counts = transform_embeddings(*arguments)
    assert (counts.records, counts.rejects) == (2, 0)
    assert transform_embeddings(*arguments) == counts  # finished: left alone
    part = pd.read_parquet(work / "parts" / "emb_spatial" / "00000.parquet")
    assert part["sample_id"].tolist() == ["a", "b"]
    found = open_arrays(work, part)["emb_spatial"].values(np.arange(2))
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, [[1, 1], [3, 3]])


def test_patches_are_evenly_spaced() -> None:
    vectors = np.arange(12, dtype=np.float32)[:, None]
    rows, there = spread(vectors, np.array([0, 10]), np.array([10, 12]), 4)
    assert rows[..., 0].tolist() == [[0, 2, 5, 7], [10, 11, 0, 0]]
    assert there.tolist() == [[True] * 4, [True, True, False, False]]
