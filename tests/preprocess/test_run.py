"""Records to tensors: weights, statistics, refusals, identity of the split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data import foldstats
from components.core.data.cohort import open_shards, read_part
from components.core.data.ragged import RaggedReader
from components.core.errors import ConfigError, InputError
from components.core.schemas import SHARDS
from components.core.signals.leads import LEADS8
from components.core.signals.quality import FLAGS
from components.core.store import Stage
from components.ingest import run as ingest_run
from components.preprocess import chunks
from tests.chain import (
    TABULAR_OPTIONS,
    beats,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    rejects_of,
    write_ecg_cohort,
    write_table,
    write_tabular_cohort,
    write_wfdb,
)

AGE: dict[str, Any] = {"tabular": {"age": "numeric"}}


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


# name: (split, event, death, follow-up, weight by hand at a horizon of 10 days). Only the training
# part estimates censoring: B drops out on day 3 (5 at risk: G = 4/5), E on day 7 (C, D and E at
# risk: G = 4/5 · 2/3 = 8/15). A weight is 1 / G just before the label was known.
BY_HAND = {
    "A": ("train", 5, None, 5, 5 / 4),
    "B": ("train", None, None, 3, 0),
    "C": ("train", None, None, 20, 15 / 8),
    "D": ("train", None, 8, 8, 15 / 8),
    "E": ("train", None, None, 7, 0),
    "F": ("val", 6, None, 6, 5 / 4),
    "G": ("val", None, None, 20, 15 / 8),
    "H": ("test", 2, None, 2, 1),
    "I": ("test", None, None, 30, 15 / 8),
    "J": ("test", None, None, 1, 0),
    "K": ("test", 15, None, 15, 15 / 8),  # an event after the horizon: known event-free on day 10
}


def _times(raw: Path) -> Stage:
    rows = [
        {"patient_id": name, "label": None, "split": split, "event_time_days": event,
         "death_days": death, "followup_days": last, "age": 50 + i}
        for i, (name, (split, event, death, last, _)) in enumerate(BY_HAND.items())
    ]  # fmt: skip
    rows.append(rows[1])  # a second visit of B is not a second patient who dropped out
    write_table(raw / "manifest.csv", rows)
    return ingested(ingest_config("manifest", raw, AGE))


def test_weights_by_hand(raw: Path) -> None:
    stage = prepared(_times(raw), label={"horizon_days": 10})
    frame = manifest_of(stage)
    found = frame.groupby("patient_id")["weight.given"].first()
    expected = {name: case[-1] for name, case in BY_HAND.items()}
    assert found.to_dict() == pytest.approx(expected)
    assert frame.loc[frame["weight.given"] == 0, "label"].isna().all()
    labels = frame.groupby("patient_id")["label"].first()
    assert labels.dropna().to_dict() == {
        "A": 1,
        "C": 0,
        "D": 0,
        "F": 1,
        "G": 0,
        "H": 1,
        "I": 0,
        "K": 0,
    }
    assert stage.facts["timed"]
    assert stage.counts["censored_records"] == 4


def test_exclusion_weighs_everyone_alike(raw: Path) -> None:
    stage = prepared(_times(raw), label={"horizon_days": 10, "censoring": "exclude"})
    frame = manifest_of(stage)
    assert frame["weight.given"].eq(1).all()
    rows = read_part(stage, "given", "train")
    assert rows.frame["patient_id"].tolist() == ["A", "C", "D"]


def test_a_negative_label_of_a_censored_patient_is_set_aside(raw: Path) -> None:
    rows = [
        {"patient_id": f"p{i}", "label": i % 2, "split": ("train", "val", "test")[i // 4],
         "event_time_days": 3 if i % 2 else None, "followup_days": 20, "age": i}
        for i in range(12)
    ]  # fmt: skip
    rows[0]["followup_days"] = 4
    write_table(raw / "manifest.csv", rows)
    source = ingested(ingest_config("manifest", raw, AGE))
    stage = prepared(source, label={"horizon_days": 10})
    assert stage.facts["labels_overridden"] == 1
    assert manifest_of(stage)["label"].isna().tolist() == [True] + [False] * 11


@pytest.fixture
def mixed(raw: Path) -> Stage:
    """An ECG cohort with a short recording and one without V3."""
    write_ecg_cohort(raw)
    table = pd.read_csv(raw / "manifest.csv")
    some = [name for name in LEADS8 if name != "V3"]
    short = write_wfdb(raw, "short", beats(90, seconds=1.5))
    seven = write_wfdb(raw, "seven", beats(91)[[LEADS8.index(n) for n in some]], leads=some)
    more = [
        {"patient_id": f"x{i}", "recording_id": f"x{i}", "path": p, "label": 0, "age": None}
        for i, p in enumerate([short, seven])
    ]
    both = pd.concat([table, pd.DataFrame(more).astype({"age": "float64"})])
    both.to_csv(raw / "manifest.csv", index=False)
    return ingested(ingest_config("manifest", raw, AGE))


def test_statistics_are_those_of_the_train_part_alone(mixed: Stage) -> None:
    stage = prepared(mixed, split={"method": "holdout", "seed": 3})
    train = read_part(stage, "holdout", "train")
    own = train.frame["sample_id"].tolist()
    assert {"x0", "x1"} <= set(own)  # so that padding and a missing lead are in it
    raw_cells = {c["sample_id"]: c for c in manifest_of(mixed).to_dict("records")}
    reader = RaggedReader(mixed.folder / SHARDS)
    samples: dict[str, list[np.ndarray]] = {lead: [] for lead in LEADS8}
    for name in own:
        signal = reader.read(raw_cells[name])
        for lead, values in zip(signal.leads, signal.physical(), strict=True):
            samples[lead].append(values)
    norm = train.stats.norm()
    assert norm is not None
    for i, lead in enumerate(LEADS8):
        every = np.concatenate(samples[lead]).astype(np.float64)
        assert norm.count[i] == every.size
        assert norm.mean[i] == pytest.approx(every.mean(), abs=1e-7)
        assert norm.sd[i] == pytest.approx(every.std(), rel=1e-6)
    ages = train.frame["tab.age"].dropna()
    (age,) = train.stats.tabular.numeric
    assert (age.mean, age.sd) == (pytest.approx(ages.mean()), pytest.approx(ages.std(ddof=0)))
    assert age.indicator
    assert train.stats.records == len(own)
    assert train.stats.ids_sha256 == foldstats.ids_hash(pd.Series(own))


def test_tensors_are_the_raw_samples(mixed: Stage) -> None:
    stage = prepared(mixed, split={"method": "holdout"})
    frame = manifest_of(stage)
    reader = open_shards(stage, frame)
    assert reader is not None
    at = frame.index[frame["sample_id"].isin(["r000", "x0", "x1"])]
    shard, row = (frame.loc[at, c].to_numpy(np.int64) for c in ("shard", "shard_row"))
    values = reader.ecg(shard, row) * reader.scale(shard, row)[:, :, None]
    np.testing.assert_allclose(values[0], np.rint(beats(0, sick=True) * 1000) / 1000, atol=1e-6)
    np.testing.assert_allclose(
        values[1][:, 125:875], np.rint(beats(90, seconds=1.5) * 1000) / 1000, atol=1e-6
    )
    assert not values[1][:, :125].any()
    assert not values[1][:, 875:].any()
    assert reader.valid(shard, row).tolist() == [[0, 1000], [125, 875], [0, 1000]]
    assert reader.lead_mask(shard, row)[2].tolist() == [n != "V3" for n in LEADS8]
    assert not values[2][LEADS8.index("V3")].any()
    flags = frame.loc[at, ["flag_padded", "flag_missing_lead"]].to_numpy().tolist()
    assert flags == [[False, False], [True, False], [False, True]]


def test_records_with_missing_leads_are_dropped_on_request(mixed: Stage) -> None:
    stage = prepared(mixed, ecg={"length": 1000, "missing": "drop"}, split={"method": "holdout"})
    reject = rejects_of(stage).iloc[0]
    assert (reject["code"], reject["field"], reject["value"]) == ("lead_missing", "leads", "V3")
    assert "preprocess.ecg.missing=mask" in reject["advice"]
    assert "x1" not in set(manifest_of(stage)["sample_id"])
    assert stage.counts["rejects"] == 1


def test_quality_is_in_the_manifest_and_counted(mixed: Stage) -> None:
    stage = prepared(mixed, split={"method": "holdout"})
    frame = manifest_of(stage).set_index("sample_id")
    assert frame["quality"].between(0, 1).all()
    assert frame.loc["x1", "quality"] < 0.9  # V3 is missing, and is an eighth of the score
    assert frame.loc["r000", "quality"] > 0.9
    assert frame["flag_einthoven"].isna().all()  # eight leads cannot tell
    assert not frame["flag_mains"].any()
    known = [name for name in FLAGS if frame[f"flag_{name}"].notna().any()]
    assert {"flat", "mains", "noisy"} <= set(known)
    for name in FLAGS:  # unknown everywhere is not found nowhere
        found = int(frame[f"flag_{name}"].eq(True).sum()) if name in known else None
        assert stage.counts.get(f"flag_{name}") == found
    assert stage.counts["flag_missing_lead"] == 1


def test_quality_nobody_looked_at_is_unknown(mixed: Stage) -> None:
    stage = prepared(mixed, ecg={"length": 1000, "judge": False}, split={"method": "holdout"})
    frame = manifest_of(stage)
    assert frame["quality"].isna().all()
    assert frame[[f"flag_{name}" for name in FLAGS]].isna().all(axis=None)
    assert not any(f"flag_{name}" in stage.counts for name in FLAGS)
    assert frame["flag_missing_lead"].sum() == stage.counts["flag_missing_lead"] == 1


def test_records_are_refused_by_quality(mixed: Stage) -> None:
    by_score = {"length": 1000, "min_quality": 0.9}
    stage = prepared(mixed, ecg=by_score, split={"method": "holdout"})
    reject = rejects_of(stage).iloc[0]
    assert len(rejects_of(stage)) == 1
    assert (reject["code"], reject["field"]) == ("low_quality", "quality")
    assert reject["reason"].endswith("below 0.9")
    assert "x1" not in set(manifest_of(stage)["sample_id"])


def test_records_are_refused_by_flag(raw: Path) -> None:
    write_ecg_cohort(raw)
    table = pd.read_csv(raw / "manifest.csv")
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(1000) / 500)
    write_wfdb(raw, "r005", beats(5) + hum)
    source = ingested(ingest_config("manifest", raw, AGE))
    plain = prepared(source, split={"method": "holdout"})
    assert manifest_of(plain).query("flag_mains == True")["sample_id"].tolist() == ["r005"]
    assert plain.counts["flag_mains"] == plain.counts["flag_noisy"] == 1
    refused = {"length": 1000, "reject": ("mains",)}
    stage = prepared(source, ecg=refused, split={"method": "holdout"})
    assert stage.counts["records"] == len(table) - 1
    reject = rejects_of(stage).iloc[0]
    assert (reject["code"], reject["value"]) == ("low_quality", "mains")
    assert reject["reason"] == "the recording is flagged mains"


def test_ecgs_outside_the_window_are_refused(raw: Path) -> None:
    write_ecg_cohort(raw, index_time="2020-06-01")
    table = pd.read_csv(raw / "manifest.csv")
    table["ecg_time"] = "2020-05-01"
    table.loc[0, "ecg_time"], table.loc[1, "ecg_time"] = "2020-06-02", "2020-01-01"
    table.to_csv(raw / "manifest.csv", index=False)
    source = ingested(ingest_config("manifest", raw))
    stage = prepared(source, split={"method": "holdout"})
    assert rejects_of(stage)["code"].tolist() == ["ecg_after_index", "ecg_outside_window"]
    assert rejects_of(stage)["row"].tolist() == [2, 3]
    assert stage.counts["records"] == 38


def test_the_hash_of_the_split_is_that_of_the_assignment(mixed: Stage) -> None:
    holdout = {"split": {"method": "holdout"}}
    hashes = [
        prepared(mixed, **each).facts["test_split_sha256"]
        for each in (
            holdout,
            holdout | {"modalities": ("ecg",)},
            {"split": {"method": "holdout", "seed": 43}},
        )
    ]
    assert hashes[0] == hashes[1]  # other inputs, same patients in the same parts
    assert hashes[0] != hashes[2]
    assert len(hashes[0]) == 64


def test_modalities(mixed: Stage) -> None:
    ecg = prepared(mixed, modalities=("ecg",), split={"method": "holdout"})
    assert (ecg.facts["modalities"], ecg.facts["features"]) == (["ecg"], [])
    tabular = prepared(mixed, modalities=("tabular",), split={"method": "holdout"})
    assert tabular.facts["modalities"] == ["tabular"]
    assert not (tabular.folder / SHARDS).exists()
    assert read_part(tabular, "holdout", "train").reader is None


def test_a_column_that_is_not_there(mixed: Stage) -> None:
    with pytest.raises(ConfigError, match=r"preprocess.tabular names 'aeg'; did you mean 'age'"):
        prepared(mixed, tabular=("aeg",))


def test_nothing_left(raw: Path) -> None:
    write_ecg_cohort(raw, patients=3)
    source = ingested(ingest_config("manifest", raw))
    with pytest.raises(InputError, match="no record is left after preprocessing; see rejects"):
        prepared(source, ecg={"length": 5000})


def test_folds_and_sizes_of_a_tabular_cohort(raw: Path) -> None:
    path = write_tabular_cohort(raw)
    stage = prepared(
        ingested(ingest_config("table", path, TABULAR_OPTIONS)), split={"folds": 3, "repeats": 2}
    )
    assert stage.facts["folds"] == [f"r{r}f{f}" for r in range(2) for f in range(3)]
    for sizes in stage.facts["sizes"].values():
        assert sum(part["patients"] for part in sizes.values()) == 120
        assert min(part["events"] for part in sizes.values()) > 0
    for fold in stage.facts["folds"]:
        assert json.loads((stage.folder / "norm_stats" / f"{fold}.json").read_text())["ecg"] is None
    assert stage.counts["prevalence"] == pytest.approx(manifest_of(stage)["label"].mean())


def test_finished_chunks_are_not_prepared_again(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_run, "CHUNK", 10)
    write_ecg_cohort(raw)
    source = ingested(ingest_config("manifest", raw))
    whole = prepared(source, split={"method": "holdout", "seed": 1})
    seen: list[str] = []
    plain = chunks.prepare

    def counted(*arguments: Any) -> Any:
        seen.append("")
        if len(seen) == 23:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(chunks, "prepare", counted)
    with pytest.raises(KeyboardInterrupt):
        prepared(source, split={"method": "holdout"})
    again = prepared(source, split={"method": "holdout"})
    assert len(seen) == 23 + 20  # the third chunk, broken off, and the fourth
    for name in sorted(p.name for p in (whole.folder / SHARDS).iterdir()):
        assert (again.folder / SHARDS / name).read_bytes() == (
            whole.folder / SHARDS / name
        ).read_bytes()
