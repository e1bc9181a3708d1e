"""The synthetic embeddings are read as a hospital's files are, with their truth beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data.arrays import open_arrays
from components.core.modalities import EMBEDDED
from components.core.planted_factors import Seen, expected
from components.core.planted_truth import truth_factors, truth_summary, truth_table
from components.core.store import Stage
from components.ingest.sources import synthetic
from tests.chain import ingest_config, ingested
from tests.embedding_cohort import HEADS, prepared_embeddings

OPTIONS: dict[str, Any] = {
    "part": "embeddings", "patients": 250, "emb_widths": [12, 10, 8, 9, 11], "emb_missing": 0.4,
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        return ingested(ingest_config("synthetic", Path(), OPTIONS))


def test_there_are_no_fields_notes_or_measurements() -> None:
    options = synthetic.Options.model_validate(OPTIONS)
    assert synthetic.features(Path(), options) == {}
    assert synthetic.targets(Path(), options) == {}
    assert synthetic.notes(Path(), options) is None
    assert synthetic.measurements(Path(), options) is None


def test_records_hold_what_was_drawn(stage: Stage) -> None:
    manifest = pd.read_parquet(stage.folder / "manifest.parquet").set_index("patient_id")
    truth = pd.read_parquet(truth_table(stage)).set_index("patient_id").loc[manifest.index]
    for name in EMBEDDED:
        there = truth[f"has_{name}"] & (truth["broken"] != name)
        assert manifest[f"shard.{name}"].notna().equals(there)
    died = manifest["event_time_days"].notna()
    assert (manifest["event_time_days"] == truth["death_day_uncensored"])[died].all()
    back = manifest["event_time_days.recurrence"].notna()
    assert 0 < back.sum() < len(back)
    assert not (back & manifest["death_days.recurrence"].notna()).any()


def test_who_has_nothing_and_what_is_no_number_is_refused_and_counted(stage: Stage) -> None:
    planted = truth_summary(stage)
    assert planted is not None
    rejects = pd.read_parquet(stage.folder / "rejects.parquet")["code"].value_counts()
    assert rejects["nothing_left"] == planted["counts"]["nothing_left"] > 0
    assert rejects["not_finite"] == planted["counts"]["not_finite"] == 1
    assert stage.counts["records"] == OPTIONS["patients"] - rejects["nothing_left"]


@pytest.mark.parametrize("least", [0.0, 0.6])
def test_the_least_possible_error_holds_for_prepared_rows(stage: Stage, least: float) -> None:
    made = prepared_embeddings(stage, heads=HEADS, embeddings={"min_quality": least})
    rows = pd.read_parquet(made.folder / "manifest.parquet")
    left_out = (pd.read_parquet(made.folder / "rejects.parquet")["code"] == "low_quality").sum()
    assert (left_out > 50) == (least > 0)
    planted, arrays = truth_factors(stage), open_arrays(made.folder, rows)
    assert planted is not None
    every = np.arange(len(rows))
    values = {
        name: np.where(part.there[:, None], part.values(every), np.nan).astype(np.float64)
        for name, part in arrays.items()
    }
    quality = {name: part.quality for name, part in arrays.items() if part.quality is not None}
    recorded = {name: part.there for name, part in arrays.items()}
    for name, own in values.items():
        seen = Seen.of(
            {other: each for other, each in values.items() if other != name},
            quality={other: np.where(each > 0, each, 1.0) for other, each in quality.items()},
            recorded=recorded,
        )
        mean, sd = expected(planted, name, seen)
        there = arrays[name].there
        score = ((own - mean) / sd)[there]
        assert np.mean(np.abs(score) < 1.645) == pytest.approx(0.9, abs=0.03)
        # Squared errors are as large as stated: an embedding's quality tells nothing of it.
        patients = (score**2).mean(axis=1)
        assert abs(patients.mean() - 1) < 3.5 * patients.std() / np.sqrt(len(patients))


def test_the_truth_is_no_part_of_the_prepared_cohort(stage: Stage) -> None:
    made = prepared_embeddings(stage, heads=HEADS)
    rows = pd.read_parquet(made.folder / "manifest.parquet")
    assert not [name for name in rows if name.startswith(("p_", "log_hazard", "has_"))]
    assert json.loads((made.folder / "stage.json").read_text())["facts"]["embeddings"]["widths"]
