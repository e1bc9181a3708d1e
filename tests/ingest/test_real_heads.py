"""Real recordings with death and follow-up, and with quality labels, made ready for heads."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.config.task import load_task
from components.core.data.cohort import open_shards
from components.core.signals.leads import LEADS12
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of, write_table

pytestmark = pytest.mark.real_data
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DAYS_A_YEAR = 365.25


@pytest.fixture(autouse=True)
def real_data(data_folder: Path) -> Path:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    return DATA


def test_code15_in_the_survival_format(tmp_path: Path) -> None:
    meta = pd.read_csv(DATA / "wfdb_ecg" / "code15" / "meta.csv")
    rows: list[dict[str, object]] = []
    for i, row in enumerate(meta.to_dict("records")):
        shutil.copyfile(
            DATA / "wfdb_ecg/code15/org" / row["save_file"], tmp_path / row["save_file"]
        )
        known = pd.notna(row["timey"])
        rows.append({
            "patient_id": row["patient_id"], "ecg_file": row["save_file"], "age": row["age"],
            "time_days": row["timey"] * DAYS_A_YEAR if known else None,
            "event": int(bool(row["death"])) if known else None,
            "label": i % 2, "split": ("train", "val", "test")[i // 4],
        })  # fmt: skip
    write_table(tmp_path / "manifest.csv", rows)
    options = {"fs": 400, "unit": "mV", "leads": LEADS12, "key": "feats",
               "tabular": {"age": "numeric"}}  # fmt: skip
    stage = ingested(ingest_config("manifest", tmp_path, options))
    frame = manifest_of(stage)
    assert len(rejects_of(stage)) == 0
    assert set(frame["ecg_samples"]) == {2934, 4096}
    assert (frame["ecg_fs"] == 400).all()
    done = prepared(
        stage,
        label={"name": "toy"},
        heads={"toy": {"kind": "binary"}, "survival": {"kind": "survival"}},
        ecg={"fs": 500, "length": 5000, "window_days": None},
    )
    ready = manifest_of(done)
    assert len(ready) == 10
    assert ready["time_days"].notna().sum() == 7
    died = ready["event_code"].eq(1)
    assert died.sum() == 1
    # 1.2 years is beyond a year: event-free at the survival head's last horizon.
    assert ready["y.survival"].fillna(-1).value_counts().to_dict() == {0: 7, -1: 3}
    reader = open_shards(done, ready)
    assert reader is not None
    shard, row = (ready[c].to_numpy(np.int64) for c in ("shard", "shard_row"))
    samples = np.diff(reader.valid(shard, row), axis=1)[:, 0]
    expected = np.minimum(5000, np.ceil(frame["ecg_samples"].to_numpy() * 500 / 400))
    assert np.abs(samples - expected).max() <= 1
    assert reader.lead_mask(shard, row).all()


def test_cinc2011_quality_keeps_identical_records_apart_from_no_split(tmp_path: Path) -> None:
    options = {
        "signals": "signals_12lead_500hz_int16.npz", "key": "x", "fs": 500, "unit": "uV",
        "leads": LEADS12, "label": "quality", "record_id": "record", "group_identical": True,
        "label_values": {"unacceptable": 1, "acceptable": 0},
    }  # fmt: skip
    config = ingest_config("array", DATA / "cinc2011_quality" / "labels.csv", options)
    stage = ingested(config)
    frame = manifest_of(stage)
    # Three of the four recordings that are constant in every lead are the same samples.
    assert stage.counts["rejects_exact_duplicate"] == 2
    assert len(frame) == 162
    assert frame["label"].sum() == 62
    assert not stage.facts["patients_known"]
    assert frame["ecg_sha256"].is_unique
    done = prepared(
        stage,
        modalities=("ecg",),
        ecg={"length": 5000, "window_days": None},
        split={"method": "holdout"},
    )
    # What is left of the constant ones has no lead to be judged; the flat ones are flagged.
    assert rejects_of(done)[["row", "code"]].to_numpy().tolist() == [
        [2, "no_ecg_leads"], [5, "no_ecg_leads"],
    ]  # fmt: skip
    assert done.counts["flag_flat"] == 36
    parts = manifest_of(done).groupby("part.holdout")["label"].agg(["size", "sum"])
    assert (parts["sum"] > 0).all()


def test_the_example_keeps_every_recording_with_a_signal_and_names_the_leads_right() -> None:
    task = load_task(
        "confidence",
        config=str(ROOT / "pipelines" / "examples" / "quality_cinc2011.yaml"),
        path=str(DATA / "cinc2011_quality" / "labels.csv"),
    )
    stage = ingested(task.ingest.model_copy(update={"workers": 1}))
    plain = task.preprocess.model_dump(mode="json") | {"workers": 1}
    done = prepared(
        stage, label=task.label.model_dump(mode="json"), heads={"quality": {"kind": "binary"}},
        **plain,
    )  # fmt: skip
    frame = manifest_of(done)
    assert set(rejects_of(done)["code"]) == {"no_ecg_leads"}
    assert (len(frame), int(frame["label"].sum())) == (160, 60)
    assert not frame["flag_einthoven"].fillna(value=False).any()
    assert set(frame["part.r0f0"]) == {"train", "val", "test"}
    # The rule's score, with limits in mV: a wrong gain would not tell them so well.
    poor = roc_auc_score(frame["label"].astype(int), -frame["quality"])
    assert poor == pytest.approx(0.916, abs=0.005)
