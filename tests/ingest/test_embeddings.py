"""Embeddings through ingest: kept as they are, refused one by one, never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from components.core.data.arrays import shard_folder
from components.core.data.stored_embeddings import embedding_hash, stored_embedding
from components.core.errors import InputError
from components.core.modalities import EMBEDDED
from components.core.schemas import embedding_fields
from components.core.store import Stage
from components.ingest import run
from components.ingest.records import EmbeddingValues, Record, Reject
from components.ingest.sources import hdf5_embeddings
from tests.chain import ingest_config, ingested, manifest_of, rejects_of, write_table
from tests.embedding_cohort import ingested_embeddings, write_embedding_cohort, write_modality

pytestmark = pytest.mark.usefixtures("data_folder")
IDS = [f"p{i}" for i in range(8)]


def _own(folder: Path, values: np.ndarray, *, other: bool = True, **more: Any) -> Stage:
    """Return the stage of eight patients with clinical and, where told so, temporal vectors."""
    write_modality(folder / "c.h5", IDS, values, more.pop("quality", None))
    write_modality(folder / "t.h5", IDS, np.ones((8, 2), np.float32))
    table = write_table(
        folder / "o.csv", [{"patient_id": p, "y": i % 2} for i, p in enumerate(IDS)]
    )
    files: dict[str, Any] = {"clinical": {"file": "c.h5", **more.pop("layout", {})}}
    files |= {"temporal": "t.h5"} if other else {}
    options = {"files": files, "label": "y"}
    return ingested(ingest_config("hdf5_embeddings", table, options, max_reject_rate=0.5, **more))


def test_vectors_come_back_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 16)
    stage = ingested_embeddings(write_embedding_cohort(tmp_path, patients=40))
    table = pq.read_table(stage.folder / "manifest.parquet")
    for name in EMBEDDED:
        for each in embedding_fields(name):
            assert table.schema.field(each.name).type == each.type
    with h5py.File(tmp_path / "spatial.h5") as file:
        ids = [each.decode() for each in file["patient_ids"][:]]  # type: ignore[index]
        values, quality = file["embeddings"][:], file["quality"][:]  # type: ignore[index]
    rows = [row for row in table.to_pylist() if row["shard.emb_spatial"] is not None]
    assert {row["patient_id"] for row in rows} == set(ids)
    for row in rows:
        mine = [place for place, each in enumerate(ids) if each == row["patient_id"]]
        place = (row["shard.emb_spatial"], row["shard_row.emb_spatial"])
        kept = stored_embedding(shard_folder(stage.folder, "emb_spatial"), *place)
        np.testing.assert_array_equal(kept, values[mine])
        assert row["sha256.emb_spatial"] == embedding_hash(kept)
        assert row["quality.emb_spatial"] == pytest.approx(quality[mine].mean(), rel=1e-6)
    assert stage.counts["records_with_emb_spatial"] == len(rows)
    assert stage.counts["embeddings_refused_emb_spatial"] == 0
    assert stage.counts["records"] == 40
    assert not (stage.folder / "parts").exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_is_no_number_is_refused_and_the_record_goes_on(tmp_path: Path, bad: float) -> None:
    values = np.ones((8, 3))
    values[2, 1] = bad
    stage = _own(tmp_path, values)
    found = rejects_of(stage)
    assert found[["row", "field", "code"]].to_numpy().tolist() == [
        [4, "emb_clinical", "not_finite"]
    ]
    frame = manifest_of(stage)
    assert len(frame) == 8
    assert frame.loc[frame["patient_id"] == "p2", "shard.emb_clinical"].isna().all()
    assert stage.counts["embeddings_refused_emb_clinical"] == 1


def test_a_record_that_has_nothing_left_is_refused(tmp_path: Path) -> None:
    values = np.ones((8, 3), np.float32)
    values[2, 1] = np.nan
    stage = _own(tmp_path, values, other=False)
    codes = rejects_of(stage)["code"].tolist()
    assert sorted(codes) == ["not_finite", "nothing_left"]
    assert "p2" not in set(manifest_of(stage)["patient_id"])


@pytest.mark.parametrize("bad", [1.5, -0.1, np.nan])
def test_a_quality_is_a_share(tmp_path: Path, bad: float) -> None:
    quality = np.full(8, 0.5)
    quality[0] = bad
    values = np.ones((8, 3), np.float32)
    stage = _own(tmp_path, values, quality=quality, layout={"quality": "quality"})
    assert rejects_of(stage)["code"].tolist() == ["quality_out_of_range"]


def test_too_many_refused_embeddings_stop_the_run(tmp_path: Path) -> None:
    values = np.full((8, 3), np.nan, np.float32)
    with pytest.raises(InputError, match="8 of 8 embeddings 'emb_clinical' were refused"):
        _own(tmp_path, values)


def test_ids_are_withheld_where_they_are_keyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_KEY", "k" * 40)
    values = np.ones((8, 3), np.float32)
    values[2, 1] = np.nan
    stage = _own(tmp_path, values, patient_key_env="OUR_KEY")
    (found,) = rejects_of(stage).to_dict("records")
    assert (found["file"], found["value"]) == ("", "")
    assert not set(manifest_of(stage)["patient_id"]) & set(IDS)
    write_modality(tmp_path / "c.h5", ["01", "1"], values[:2])
    options = {"files": {"clinical": "c.h5"}, "label": "y", "strip_zeros": True}
    config = ingest_config("hdf5_embeddings", tmp_path / "o.csv", options)
    with pytest.raises(InputError, match='come to the patient of another id there: "01" and "1"'):
        ingested(config)
    with pytest.raises(InputError, match=r"come to the patient of another id there; correct"):
        ingested(config.model_copy(update={"patient_key_env": "OUR_KEY"}))


Change = Callable[[Record], Record]


def _changed(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Let the source yield other records."""
    plain = hdf5_embeddings.read

    def read(path: Path, options: hdf5_embeddings.Options) -> Iterator[Record | Reject]:
        for item in plain(path, options):
            yield change(item) if isinstance(item, Record) else item

    monkeypatch.setattr(hdf5_embeddings, "read", read)


def test_a_source_may_make_vectors_with_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {
        "p0": np.array([[1, np.nan]], np.float32),
        "p1": np.array([[np.nan, np.nan]], np.float32),
        "p2": np.array([[np.inf, 1]], np.float32),
    }

    def change(record: Record) -> Record:
        own = made.get(record.patient_id, np.ones((2, 2), np.float32))
        values = EmbeddingValues(values=own, quality=0.5, columns=("age", "sex"))
        return replace(record, embeddings={**record.embeddings, "emb_semantic": values})

    _changed(monkeypatch, change)
    stage = _own(tmp_path, np.ones((8, 3), np.float32))
    assert rejects_of(stage)["row"].tolist() == [3, 4]
    folder = shard_folder(stage.folder, "emb_semantic")
    np.testing.assert_array_equal(stored_embedding(folder, 0, 0), made["p0"])
    assert stored_embedding(folder, 0, 1).shape == (2, 2)
    with h5py.File(folder / "00000.h5") as file:
        assert [each.decode() for each in file["columns"][:]] == ["age", "sex"]  # type: ignore[index]


def test_widths_that_differ_between_chunks_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(record: Record) -> Record:
        width = 2 if record.row < 6 else 3
        values = EmbeddingValues(values=np.ones((1, width), np.float32))
        return replace(record, embeddings={"emb_semantic": values})

    _changed(monkeypatch, change)
    monkeypatch.setattr(run, "CHUNK", 4)
    with pytest.raises(
        InputError, match=r"'emb_semantic' differ in width or columns \(widths 2, 3"
    ):
        _own(tmp_path, np.ones((8, 3), np.float32))


def test_a_data_set_that_is_gone_is_a_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(record: Record) -> Record:
        own = record.embeddings["emb_clinical"]
        gone = replace(own, dataset="gone") if record.patient_id == "p3" else own
        return replace(record, embeddings={**record.embeddings, "emb_clinical": gone})

    _changed(monkeypatch, change)
    stage = _own(tmp_path, np.ones((8, 3), np.float32))
    assert rejects_of(stage)["code"].tolist() == ["unreadable_embedding"]


def test_rows_apart_and_together_are_read_alike(tmp_path: Path) -> None:
    write_modality(tmp_path / "s.h5", [f"p{i % 3}" for i in range(12)],
                   np.arange(24, dtype=">f4").reshape(12, 2))  # fmt: skip
    table = write_table(tmp_path / "o.csv", [{"patient_id": f"p{i}", "y": i % 2} for i in range(3)])
    files = {"spatial": {"file": "s.h5", "patches": True}}
    stage = ingested(ingest_config("hdf5_embeddings", table, {"files": files, "label": "y"}))
    kept = stored_embedding(shard_folder(stage.folder, "emb_spatial"), 0, 1)
    assert kept[:, 0].tolist() == [2, 8, 14, 20]
    assert kept.dtype == np.dtype("=f4")


def test_groups_of_one_vector_and_of_patches_are_read_alike(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["p0"] = np.array([1, 2], np.float32)
        file["p1"] = np.array([[3, 4], [5, 6]], np.float32)
    rows: list[dict[str, object]] = [{"patient_id": f"p{i}", "y": i} for i in range(2)]
    table = write_table(tmp_path / "o.csv", rows)
    own = {"file": "s.h5", "layout": "groups", "ids": "", "patches": True}
    options = {"files": {"spatial": own}, "label": "y"}
    stage = ingested(ingest_config("hdf5_embeddings", table, options))
    folder = shard_folder(stage.folder, "emb_spatial")
    kept = [stored_embedding(folder, 0, row).tolist() for row in range(2)]
    assert kept == [[[1, 2]], [[3, 4], [5, 6]]]


def test_another_file_is_another_stage(tmp_path: Path) -> None:
    first = _own(tmp_path, np.ones((8, 3), np.float32))
    again = _own(tmp_path, np.zeros((8, 3), np.float32))
    assert first.fingerprint != again.fingerprint
