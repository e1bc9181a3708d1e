"""Training statistics of a fold against plain numpy over the real samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.data import foldstats
from components.core.data.cohort import open_shards, read_stats
from components.core.errors import InputError
from components.core.schemas import MANIFEST
from components.core.signals.normalise import Moments
from components.core.store import Stage
from tests.cohorts import LEADS, real_counts


@pytest.fixture
def stage(cohort: Callable[..., Stage]) -> Stage:
    return cohort(padded=5, missing_lead=2)


def train_rows(stage: Stage) -> pd.DataFrame:
    frame = pd.read_parquet(stage.folder / MANIFEST)
    return frame[(frame["part.holdout"] == "train") & frame["label"].notna()]


def test_merged_moments_equal_numpy_on_all_real_samples_together(stage: Stage) -> None:
    rows = train_rows(stage)
    reader = open_shards(stage, rows)
    assert reader is not None
    shard, row = rows["shard"].to_numpy(np.int64), rows["shard_row"].to_numpy(np.int64)
    scale = reader.scale(shard, row).astype(np.float64)
    values = reader.ecg(shard, row) * scale[:, :, None]
    real = real_counts(reader.lead_mask(shard, row), reader.valid(shard, row), values.shape[2])
    norm = read_stats(stage, "holdout").norm()
    assert norm is not None
    assert not real.all()
    for lead, name in enumerate(LEADS):
        together = values[:, lead][real[:, lead]]
        assert norm.leads[lead] == name
        assert norm.count[lead] == together.size
        assert norm.mean[lead] == pytest.approx(together.mean(), rel=1e-9, abs=1e-12)
        assert norm.sd[lead] == pytest.approx(together.std(), rel=1e-9)


def test_merge_of_nothing_has_no_count() -> None:
    found = Moments.pooled(np.zeros((3, 2, 3)))
    assert found.count.tolist() == found.mean.tolist() == found.squares.tolist() == [0, 0]


def test_statistics_are_of_the_training_rows_alone(stage: Stage) -> None:
    rows = train_rows(stage)
    stats = read_stats(stage, "holdout")
    assert stats.records == len(rows)
    assert stats.ids_sha256 == foldstats.ids_hash(rows["sample_id"])
    assert stats.tabular.fitted_rows == len(rows)
    assert stats.tabular.numeric[0].mean == pytest.approx(rows["tab.age"].mean())


def test_ids_hash_is_of_a_set() -> None:
    ids = pd.Series(["b", "a", "c"])
    assert foldstats.ids_hash(ids) == foldstats.ids_hash(ids[::-1])
    assert foldstats.ids_hash(ids) != foldstats.ids_hash(ids[:2])


def test_a_tabular_cohort_has_no_ecg_statistics(cohort: Callable[..., Stage]) -> None:
    stats = read_stats(cohort(ecg=False), "holdout")
    assert stats.ecg is None
    assert stats.norm() is None


def test_round_trip_through_the_file_is_exact(stage: Stage, tmp_path: Path) -> None:
    stats = read_stats(stage, "holdout")
    foldstats.save(stats, tmp_path / "again.json")
    assert foldstats.load(tmp_path / "again.json") == stats


@pytest.mark.parametrize("content", [None, "", "{}", '{"fold": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "holdout.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=r"'holdout.json' cannot be read; run preprocess again"):
        foldstats.load(file)
