"""The files of the cohort of embeddings hold what was drawn, and nothing of the truth."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pandas as pd
import pytest

from components.core.modalities import EMBEDDED, short_name
from components.core.planted_factors_file import read_factors
from components.ingest.synthetic.embeddings.draw import draw_block
from components.ingest.synthetic.embeddings.mechanism import WITH_QUALITY, mechanism
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from tests.ingest.synthetic.embeddings.conftest import SMALL


def read(folder: Path, name: str) -> dict[str, Any]:
    with h5py.File(folder / f"{short_name(name)}.h5", "r") as file:
        found: dict[str, Any] = {str(key): cast(h5py.Dataset, file[str(key)])[:] for key in file}
    found["ids"] = [each.decode() for each in found.pop("patient_ids")]
    return found


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_five_files_outcomes_and_truth(embedding_files: Path) -> None:
    assert set(bytes_of(embedding_files)) == {
        "clinical.h5", "semantic.h5", "temporal.h5", "pathological.h5", "spatial.h5",
        "outcomes.csv", "truth.parquet", "truth.json", "factors.h5",
    }  # fmt: skip


@pytest.mark.parametrize("name", EMBEDDED)
def test_each_file_holds_the_vectors_of_who_was_recorded(embedding_files: Path, name: str) -> None:
    found, planted = read(embedding_files, name), mechanism(SMALL)
    width = SMALL.emb_widths[EMBEDDED.index(name)]
    assert found["embeddings"].shape == (len(found["ids"]), width)
    assert found["embeddings"].dtype == np.float32
    assert ("quality" in found) == (name == WITH_QUALITY)
    blocks = [draw_block(SMALL, planted, block) for block in range(2)]
    wanted = {
        f"E{index:07d}": vector
        for block in blocks
        for index, vector, there, broken in zip(
            block.index, block.vectors[name], block.there[name], block.broken[name], strict=True
        )
        if there and not broken
    }
    mean = pd.DataFrame(found["embeddings"]).groupby(found["ids"]).mean()
    whole = mean[~pd.DataFrame(found["embeddings"]).isna().any(axis=1).groupby(found["ids"]).any()]
    assert set(whole.index) == set(wanted)
    for patient, vector in wanted.items():
        np.testing.assert_allclose(whole.loc[patient], vector, atol=1e-4)


def test_spatial_patients_have_several_patches_and_others_one(embedding_files: Path) -> None:
    patches = Counter(read(embedding_files, "emb_spatial")["ids"])
    assert set(patches.values()) == {1, 2, 3, 4, 5, 6}
    assert set(Counter(read(embedding_files, "emb_clinical")["ids"]).values()) == {1}


def test_quality_lies_between_its_bounds(embedding_files: Path) -> None:
    quality = read(embedding_files, WITH_QUALITY)["quality"]
    assert 0.2 <= quality.min() < 0.3
    assert 0.9 < quality.max() <= 1.0


def test_outcomes_agree_with_each_other(embedding_files: Path) -> None:
    table = pd.read_csv(embedding_files / "outcomes.csv")
    assert table["patient_id"].is_unique
    assert len(table) == SMALL.patients
    truth = pd.read_parquet(embedding_files / "truth.parquet")
    died, back = table["death_days"].notna(), table["recurrence_days"].notna()
    assert died.any()
    assert (table["followup_days"][died] == table["death_days"][died]).all()
    assert (table["recurrence_days"][back] <= table["followup_days"][back]).all()
    assert table["death_before_recurrence_days"].notna().equals(died & ~back)
    assert (table["death_days"][died] == truth["death_day_uncensored"][died]).all()
    assert (truth["death_day_uncensored"][~died] > table["followup_days"][~died]).all()
    assert (table["followup_days"] >= 1).all()
    assert (table["index_time"].str.len() == len("2020-01-01")).all()


def test_a_few_have_no_embedding_and_an_entry_that_is_no_number(embedding_files: Path) -> None:
    counts = json.loads((embedding_files / "truth.json").read_text())["counts"]
    seen = {each for name in EMBEDDED for each in read(embedding_files, name)["ids"]}
    gaps = sum(np.isnan(read(embedding_files, n)["embeddings"]).any(1).sum() for n in EMBEDDED)
    assert counts["patients"] == SMALL.patients
    assert SMALL.patients - len(seen) <= counts["nothing_left"] <= 5
    assert gaps == counts["not_finite"] > 0


def test_the_truth_is_beside_the_files_and_not_in_them(embedding_files: Path) -> None:
    truth = pd.read_parquet(embedding_files / "truth.parquet")
    has = {name: set(truth["patient_id"][truth[f"has_{name}"]]) for name in EMBEDDED}
    assert has == {name: set(read(embedding_files, name)["ids"]) for name in EMBEDDED}
    broken = truth.loc[truth["broken"] != "", "broken"]
    assert set(broken) <= set(EMBEDDED)
    assert read_factors(embedding_files / "factors.h5").size == mechanism(SMALL).size


def test_the_same_options_give_the_same_bytes(embedding_files: Path, tmp_path: Path) -> None:
    generate(tmp_path, SMALL, workers=2)
    assert bytes_of(tmp_path) == bytes_of(embedding_files)


def test_a_cohort_that_grows_keeps_its_patients(embedding_files: Path, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    fewer = SMALL.model_copy(update={"patients": 100})
    generate(tmp_path, fewer, progress=lambda part, whole: done.append((part, whole)))
    assert done == [(100, 100)]
    for name in EMBEDDED:
        few, many = read(tmp_path, name), read(embedding_files, name)
        own = len(few["ids"])
        assert few["ids"] == many["ids"][:own]
        np.testing.assert_array_equal(few["embeddings"], many["embeddings"][:own])
    assert (
        (embedding_files / "outcomes.csv")
        .read_text()
        .startswith((tmp_path / "outcomes.csv").read_text())
    )


def test_without_faults_everything_is_whole(tmp_path: Path) -> None:
    options = SyntheticOptions(
        part="embeddings", patients=40, emb_missing=0, broken_files=False,
        emb_widths=(8, 8, 8, 8, 8),
    )  # fmt: skip
    generate(tmp_path, options)
    for name in EMBEDDED:
        found = read(tmp_path, name)
        assert len(set(found["ids"])) == 40
        assert np.isfinite(found["embeddings"]).all()
    assert json.loads((tmp_path / "truth.json").read_text())["counts"]["nothing_left"] == 0
