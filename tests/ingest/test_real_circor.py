"""The CirCor sample through ingest and preprocess: what its table says is what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.data.arrays import open_arrays
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of

pytestmark = pytest.mark.real_data
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "pcg" / "circor"


@pytest.fixture(autouse=True)
def real_data(data_folder: Path) -> None:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data/pcg/circor is absent")


def test_sixty_visits() -> None:
    stage = ingested(ingest_config("circor", DATA))
    frame, table = manifest_of(stage), pd.read_csv(DATA / "training_data.csv")
    table = table.set_index(table["Patient ID"].astype(str)).loc[frame["sample_id"]]
    assert rejects_of(stage).empty
    assert (stage.counts["records"], stage.counts["undetermined"]) == (60, 5)
    assert stage.counts["files_pcg"] == len(list(DATA.glob("*.wav")))
    murmur = table["Murmur"].map({"Present": 1, "Absent": 0}).to_numpy()
    np.testing.assert_array_equal(frame["label"].astype(float).to_numpy(), murmur)
    np.testing.assert_array_equal(frame["tab.height"].to_numpy(), table["Height"].to_numpy())
    sites = table["Recording locations:"].str.split("+").map(sorted).tolist()
    assert frame["sites.pcg"].map(sorted).tolist() == sites
    by_table = manifest_of(ingested(ingest_config("circor", DATA / "training_data.csv")))
    told = ["sample_id", "patient_id", "sha256.pcg", "label"]
    pd.testing.assert_frame_equal(
        by_table.sort_values("sample_id")[told].reset_index(drop=True),
        frame.sort_values("sample_id")[told].reset_index(drop=True),
    )


def test_sounds_become_windows(tmp_path: Path) -> None:
    for file in sorted(DATA.glob("*.txt"))[:14]:
        for own in DATA.glob(f"{file.stem}*"):
            (tmp_path / own.name).write_bytes(own.read_bytes())
    stage = prepared(ingested(ingest_config("circor", tmp_path)), modalities=["pcg"],
                     split={"method": "holdout"})  # fmt: skip
    frame = manifest_of(stage)
    part = open_arrays(stage.folder, frame)["pcg"]
    assert part.reader.shape == (6, 32, 251)
    valid = part.valid(np.arange(len(frame)))
    assert valid is not None
    assert valid[:, 0].all()
    assert stage.facts["modalities"] == ["pcg"]
    assert rejects_of(stage).empty
