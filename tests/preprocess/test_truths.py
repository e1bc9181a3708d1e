"""What each head learns from, who is kept for one head alone, who is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.errors import ConfigError, InputError
from components.core.store import Stage
from components.preprocess.truths import event_by
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of, write_table

SPLITS = ("train", "val", "test")
LVEF_HEAD = {"kind": "binary", "target": "lvef", "below": 50}
RISK = {"kind": "classes", "target": "risk", "classes": ("low", "moderate", "high")}
SURVIVAL = {"kind": "survival"}
BY_HEAD = {"name": "lvef", "derive": "head"}
OPTIONS: dict[str, Any] = {
    "tabular": {"x": "numeric"},
    "targets": {"lvef": "numeric", "risk": "categorical"},
}


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def source(raw: Path, *, n: int = 24, options: dict[str, Any] | None = None,
           **columns: Any) -> Stage:  # fmt: skip
    """Return the ingest stage of `n` patients; a column is a function of the number or a value."""
    plain: dict[str, Any] = {
        "patient_id": lambda i: f"p{i:02d}", "x": lambda i: i,
        "split": lambda i: SPLITS[i % 3], "lvef": lambda i: 40 + 20 * (i // 3 % 2),
        "risk": lambda i: ("low", "moderate", "high")[i % 3],
    }  # fmt: skip
    rows = [
        {name: rule(i) if callable(rule) else rule for name, rule in (plain | columns).items()}
        for i in range(n)
    ]
    write_table(raw / "manifest.csv", rows)
    return ingested(ingest_config("manifest", raw, options or OPTIONS, max_reject_rate=0.9))


def test_a_numeric_target_by_its_cut_off(raw: Path) -> None:
    stage = prepared(
        source(raw, lvef=lambda i: [49.9, 50, None, 20][i % 4], split=lambda i: SPLITS[i // 8]),
        label=BY_HEAD,
        heads={"lvef": LVEF_HEAD, "risk": RISK},
    )
    frame = manifest_of(stage)
    assert frame["y.lvef"].fillna(-1).tolist() == [1, 0, -1, 1] * 6
    assert frame["label"].equals(frame["y.lvef"])
    assert frame["target.lvef"].notna().sum() == 18
    above = prepared(source(raw, lvef=lambda i: 40 + i), label=BY_HEAD,
                     heads={"lvef": {"kind": "binary", "target": "lvef", "above": 50}})  # fmt: skip
    assert manifest_of(above)["label"].tolist() == [int(40 + i > 50) for i in range(24)]


def test_categories(raw: Path) -> None:
    positive = {"kind": "binary", "target": "risk", "positive": ("high", "moderate")}
    stage = prepared(
        source(raw, risk=lambda i: (None, "high", "low", "moderate")[i % 4]),
        label={"name": "risk", "derive": "head"},
        heads={"risk": RISK, "raised": positive, "lvef": LVEF_HEAD},
    )
    frame = manifest_of(stage)
    assert frame["y.risk"].fillna(-1).tolist() == [-1, 2, 0, 1] * 6
    assert frame["label"].fillna(-1).tolist() == [-1, 1, 0, 0] * 6
    assert frame["y.raised"].fillna(-1).tolist() == [-1, 1, 0, 1] * 6


def test_an_unknown_category_is_refused_and_the_nearest_named(raw: Path) -> None:
    found = source(raw, risk=lambda i: "Hihg" if i == 5 else ("low", "high")[i // 3 % 2])
    stage = prepared(found, label={"name": "risk", "derive": "head"}, heads={"risk": RISK})
    (reject,) = rejects_of(stage).to_dict("records")
    assert (reject["code"], reject["row"], reject["field"]) == ("unknown_category", 7, "risk")
    assert (reject["value"], reject["advice"]) == ("Hihg", "did you mean 'high'?")
    assert len(manifest_of(stage)) == 23


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        ({"kind": "binary", "target": "lvfe", "below": 50},
         "the head 'lvef' learns from the target 'lvfe', .* 'targets' .did you mean 'lvef'"),
        ({"kind": "binary", "target": "empty", "below": 50},
         "the head 'lvef' has no truth: the target 'empty' is missing in all 24 records"),
        ({"kind": "binary", "target": "risk", "below": 50}, "holds categories, which needs positi"),
        ({"kind": "binary", "target": "lvef", "positive": ("1",)}, "holds numbers, which needs be"),
        ({"kind": "binary", "target": "risk", "positive": ("High",)},
         "none of the categories High, which heads.lvef.positive names, occurs in"),
        ({"kind": "classes", "target": "lvef", "classes": ("low", "high")},
         "the target 'lvef' holds numbers, the head names the categories low, high; declare it"),
    ],
)  # fmt: skip
def test_targets_that_cannot_teach(raw: Path, heads: dict[str, Any], sentence: str) -> None:
    options = OPTIONS | {"targets": OPTIONS["targets"] | {"empty": "numeric"}}
    stage = source(raw, options=options, empty=None)
    with pytest.raises(InputError, match=sentence):
        prepared(stage, label=BY_HEAD, heads={"lvef": heads})


def test_a_source_without_any_target(raw: Path) -> None:
    stage = source(raw, options={"tabular": {"x": "numeric"}}, label=lambda i: i // 3 % 2)
    with pytest.raises(InputError, match=r"learns from the target 'risk'.*it brought none"):
        prepared(stage, label={"name": "risk"}, heads={"risk": RISK})


def test_records_with_another_truth_are_kept_and_those_with_none_refused(raw: Path) -> None:
    stage = prepared(
        source(
            raw,
            lvef=lambda i: None if i % 8 in (6, 7) else 40 + 20 * (i // 3 % 2),
            risk=lambda i: None if i % 8 in (5, 7) else "low",
        ),
        label=BY_HEAD,
        heads={"lvef": LVEF_HEAD, "risk": RISK, "sure": {"kind": "confidence", "of": "lvef"}},
    )
    frame = manifest_of(stage)
    assert "y.sure" not in frame
    assert len(frame) == 21
    assert frame["label"].isna().sum() == 3
    assert frame.loc[frame["label"].isna(), "y.risk"].eq(0).all()
    assert rejects_of(stage)["code"].tolist() == ["no_truth"] * 3
    assert rejects_of(stage)["row"].tolist() == [9, 17, 25]
    drawn = prepared(
        source(
            raw, n=60, split=None,
            lvef=lambda i: None if i % 6 == 5 else 40 + 20 * (i % 2), risk="low",
        ),
        label=BY_HEAD, heads={"lvef": LVEF_HEAD, "risk": RISK}, split={"method": "holdout"},
    )  # fmt: skip
    parts = manifest_of(drawn).groupby("part.holdout")["label"].apply(lambda own: own.isna().sum())
    assert parts.sum() == 10
    assert (parts > 0).all()  # spread over the parts as a stratum of their own


def test_an_unpaired_echo_is_the_reason_of_the_refusal(raw: Path) -> None:
    stage = source(
        raw, ecg_time="2024-01-01", echo_time=lambda i: "2024-03-01" if i == 4 else "2024-01-05"
    )
    found = prepared(stage, label=BY_HEAD, heads={"lvef": LVEF_HEAD})
    (reject,) = rejects_of(found).to_dict("records")
    assert (reject["code"], reject["row"]) == ("echo_outside_window", 6)
    assert "change preprocess.pairing.days" in reject["advice"]
    assert found.counts["echo_pairs"] == 23
    assert found.facts["lvef_heads"] == ["lvef"]
    kept = prepared(stage, label=BY_HEAD, heads={"lvef": LVEF_HEAD, "risk": RISK})
    assert manifest_of(kept)["y.lvef"].isna().sum() == 1
    assert manifest_of(kept)["y.risk"].notna().all()


def test_serial_lvefs_are_paired(raw: Path) -> None:
    rows = [{"patient_id": f"p{i:02d}", "time": day, "name": "lvef", "value": v, "unit": "%"}
            for i in range(24) for day, v in (("2024-01-03", 40 + 20 * (i // 3 % 2)),
                                              ("2024-01-09", 30))]  # fmt: skip
    write_table(raw / "m.csv", rows)
    options = {"tabular": {"x": "numeric"}, "measurements": "m.csv"}
    stage = prepared(source(raw, options=options, ecg_time="2024-01-04"),
                     label=BY_HEAD, heads={"lvef": LVEF_HEAD})  # fmt: skip
    frame = manifest_of(stage)
    assert frame["target.lvef"].tolist() == [40 + 20 * (i // 3 % 2) for i in range(24)]
    assert stage.counts["echo_days_median"] == 1.0


TIMES: dict[str, Any] = {
    "event_time_days": lambda i: 20.0 if i // 3 % 2 else None,
    "followup_days": lambda i: 20.0 if i // 3 % 2 else 400.0,
}
AT_180 = {"name": "survival", "derive": "head", "horizon_days": 180}


def test_a_survival_head_as_the_label(raw: Path) -> None:
    stage = prepared(
        source(raw, **TIMES | {"followup_days": lambda i: 100 if i == 0 else 400}),
        label=AT_180,
        heads={"survival": SURVIVAL, "risk": RISK},
    )
    frame = manifest_of(stage)
    expected = [i // 3 % 2 for i in range(24)]
    assert frame["label"].tolist()[1:] == expected[1:]
    assert frame["label"].isna().tolist() == [True, *[False] * 23]
    assert frame["censored"].tolist() == [True, *[False] * 23]
    assert frame["y.survival"].fillna(-1).tolist() == [-1, *expected[1:]]
    assert frame["event_code"].tolist() == expected
    assert stage.facts["timed"]
    assert (stage.folder / "followup.json").is_file()
    assert frame["weight.given"].iloc[0] == 0


def test_records_without_times_teach_the_other_heads(raw: Path) -> None:
    times = {name: lambda i, rule=rule: None if i % 12 == 0 else rule(i)
             for name, rule in TIMES.items()}  # fmt: skip
    stage = prepared(source(raw, **times), label=AT_180, heads={"survival": SURVIVAL, "risk": RISK})
    frame = manifest_of(stage)
    bare = frame.index % 12 == 0
    assert frame.loc[bare, ["label", "time_days", "event_code", "y.survival"]].isna().all(axis=None)
    assert frame.loc[bare, "y.risk"].notna().all()
    assert frame.loc[~bare, "label"].notna().all()
    assert (frame.loc[bare, "weight.given"] == 0).all()
    assert stage.counts["censored_records"] == 0


def test_who_has_the_disease_cannot_develop_it(
    raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = prepared(
        source(raw, prevalent=lambda i: int(i in (0, 3)), **TIMES),
        label=AT_180, heads={"survival": SURVIVAL, "risk": RISK},
    )  # fmt: skip
    frame = manifest_of(stage)
    missing = frame[["label", "time_days", "event_code", "y.survival"]].isna().all(axis=1)
    assert frame.index[missing].tolist() == [0, 3]
    assert stage.counts["prevalent_excluded"] == 2
    assert "who has it already cannot develop it" in capsys.readouterr().err
    without = prepared(source(raw, prevalent=1, label=lambda i: i // 3 % 2, **TIMES),
                       label={"name": "lvef"}, heads={"lvef": LVEF_HEAD})  # fmt: skip
    assert manifest_of(without)["time_days"].notna().all()  # no survival head, nothing excluded


def test_survival_heads_need_a_horizon_and_times(raw: Path) -> None:
    label = {"name": "survival", "derive": "head"}
    with pytest.raises(ConfigError, match=r"set label.horizon_days .* e.g. to 365"):
        prepared(source(raw, **TIMES), label=label, heads={"survival": SURVIVAL})
    with pytest.raises(InputError, match="the head 'survival' has no truth: none of 24 records"):
        prepared(source(raw), label=BY_HEAD, heads={"lvef": LVEF_HEAD, "survival": SURVIVAL})


def test_the_label_column_is_a_truth_too(raw: Path) -> None:
    stage = source(raw, label=lambda i: None if i == 1 else i // 3 % 2, risk=None, lvef=None)
    for derive in (None, "head"):
        label = {"name": "sick", "derive": derive}
        found = prepared(stage, label=label, heads={"sick": {"kind": "binary"}})
        assert manifest_of(found)["y.sick"].equals(manifest_of(found)["label"])
        assert manifest_of(found)["label"].tolist() == [i // 3 % 2 for i in range(24) if i != 1]
        assert rejects_of(found)["row"].tolist() == [3]


def test_a_horizon_has_no_bearing_on_an_lvef(raw: Path) -> None:
    stage = prepared(source(raw, **TIMES), label=BY_HEAD | {"horizon_days": 180},
                     heads={"lvef": LVEF_HEAD, "survival": SURVIVAL})  # fmt: skip
    frame = manifest_of(stage)
    assert frame["label"].equals(frame["y.lvef"])
    assert not stage.facts["timed"]
    assert frame["time_days"].notna().all()
    assert (frame["weight.given"] == 1).all()


def test_shuffled_truths_travel_together(raw: Path) -> None:
    found = source(raw, n=40, lvef=lambda i: 30 + i, risk=lambda i: ("low", "high")[i % 2])
    heads = {"lvef": LVEF_HEAD, "risk": RISK}
    stage = prepared(found, label=BY_HEAD | {"shuffle": 1}, heads=heads)
    frame = manifest_of(stage)
    assert frame["label"].equals(frame["y.lvef"])
    assert frame["y.lvef"].tolist() == [int(v < 50) for v in frame["target.lvef"]]
    assert sorted(frame["target.lvef"]) == [30 + i for i in range(40)]
    assert frame["target.lvef"].tolist() != [30 + i for i in range(40)]
    odd = (frame["target.lvef"] - 30) % 2
    assert (frame["y.risk"] == 2 * odd).all()


def test_the_view_by_a_horizon() -> None:
    frame = pd.DataFrame(
        {"time_days": [10, 91, 92, 91, 90, 10, 200, np.nan],
         "event_code": pd.array([1, 1, 1, 0, 0, 2, 2, None], "Int8")}
    )  # fmt: skip
    assert event_by(frame, 91).fillna(-1).tolist() == [1, 1, 0, 0, -1, 0, 0, -1]
