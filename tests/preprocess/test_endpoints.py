"""Several endpoints through preprocess: truths, who is kept, follow-up, controls, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.errors import InputError
from components.core.store import Stage
from components.ingest.records import Endpoint, Record
from components.preprocess.endpoints import brought, horizons
from components.preprocess.followup import files
from tests.chain import manifest_of, prepared, rejects_of
from tests.endpoint_cohort import HEADS, LABEL, SPLIT, ingested_records, patients, record


@pytest.fixture
def make(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def made(records: list[Record], heads: dict[str, Any] = HEADS, **label: Any) -> Stage:
        source = ingested_records(records, tmp_path, monkeypatch)
        return prepared(source, label=LABEL | label, heads=heads, modalities=["tabular"],
                        split=SPLIT)  # fmt: skip

    return made


def relapse(event: float | None = None, *, last: float | None, death: float | None = None) -> Any:
    return {"relapse": Endpoint(event_time_days=event, followup_days=last, death_days=death)}


COURSES = {
    "in time": (relapse(399, last=2000), 1),
    "on the day": (relapse(400, last=2000), 1),
    "later": (relapse(401, last=2000), 0),
    "free": (relapse(last=2000), 0),
    "free on the day": (relapse(last=400), 0),
    "lost": (relapse(last=399), None),
    "dead before": (relapse(last=100, death=100), 0),
    "dead after": (relapse(last=900, death=900), 0),
    "unknown": ({}, None),
}


def test_the_truths_of_both_heads(make: Any) -> None:
    filler = patients(60)
    own = [
        record(900 + i, endpoints=endpoints) for i, (endpoints, _) in enumerate(COURSES.values())
    ]
    frame = manifest_of(make([*filler, *own])).set_index("sample_id").loc["r0900":"r0908"]
    expected = [truth for _, truth in COURSES.values()]
    assert frame["y.relapse"].astype(object).where(frame["y.relapse"].notna(), None).tolist() == (
        expected
    )
    assert frame["event_code.relapse"].fillna(-1).tolist() == [1, 1, 1, 0, 0, 0, 2, 2, -1]
    assert frame["time_days.relapse"].fillna(-1).tolist() == [
        399, 400, 401, 2000, 400, 399, 100, 900, -1,
    ]  # fmt: skip
    # By the last horizon of the survival head, day 800.
    assert frame["y.relapse_time"].fillna(-1).tolist() == [1, 1, 1, 0, -1, -1, 0, 0, -1]
    assert frame["y.death"].tolist() == [0] * 9
    assert frame["time_days"].tolist() == [2000] * 9
    assert frame["death_days.relapse"].notna().sum() == 2


def test_a_record_is_kept_for_any_head(make: Any) -> None:
    bare = {"followup_days": None}
    only = [
        record(900, **bare, endpoints=relapse(10, last=20)),
        record(901, **bare, endpoints=relapse(last=20)),  # censored: the hazards learn from it
        record(902, **bare),
    ]
    stage = make([*patients(60), *only])
    frame = manifest_of(stage).set_index("sample_id")
    assert {"r0900", "r0901"} <= set(frame.index)
    assert "r0902" not in frame.index
    assert rejects_of(stage)["code"].tolist() == ["no_truth"]
    assert pd.isna(frame.loc["r0900", "label"])
    assert frame.loc["r0900", "weight.holdout"] == 0
    assert stage.facts["learned_from"] == ["label", "time_days.relapse"]


def test_without_a_survival_head_the_censored_teach_nothing(make: Any) -> None:
    heads = {name: HEADS[name] for name in ("death", "relapse")}
    lost = record(900, followup_days=None, endpoints=relapse(last=20))
    assert "r0900" not in set(manifest_of(make([*patients(60), lost], heads))["sample_id"])


def test_follow_up_of_each_endpoint_is_told(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stage = make([*patients(200), record(900)])
    told = json.loads((stage.folder / "followup_relapse.json").read_text())
    frame = manifest_of(stage)
    truth = frame["y.relapse"]
    assert told["horizon_days"] == 400
    assert told["patients"] == 200
    assert told["events"] == int(truth.eq(1).sum())
    assert told["known_non_events"] == int(truth.eq(0).sum())
    assert told["evaluable"] == int(truth.notna().sum())
    assert told["censored"] == 200 - told["evaluable"]
    early = frame["event_code.relapse"].eq(2) & frame["time_days.relapse"].le(400)
    assert told["competing_deaths"] == int(early.sum()) > 0
    incidence = told["cumulative_incidence"]
    assert incidence["lo"] < incidence["value"] < incidence["hi"]
    assert stage.counts["followup_relapse_events"] == told["events"]
    assert stage.counts["cumulative_incidence_relapse"] == incidence["value"]
    assert stage.counts["followup_relapse_unknown"] == 1
    assert [file.name for file in files(stage.folder)] == ["followup.json", "followup_relapse.json"]
    said = capsys.readouterr().err
    assert f"follow-up of relapse: by day 400 {told['events']} event(s)" in said
    assert "follow-up of relapse: 1 patient(s) have no time at all" in said


def test_a_control_deals_out_all_endpoints_of_a_patient_together(make: Any) -> None:
    records = patients(120)
    plain, dealt = manifest_of(make(records)), manifest_of(make(records, shuffle=3))
    columns = ["followup_days", "event_time_days", "time_days.relapse", "event_code.relapse",
               "death_days.relapse", "y.relapse", "y.relapse_time", "y.death"]  # fmt: skip
    assert not plain["time_days.relapse"].equals(dealt["time_days.relapse"])
    rows = [
        sorted(map(str, each[columns].itertuples(index=False, name=None)))
        for each in (plain, dealt)
    ]
    assert rows[0] == rows[1]
    x = plain["tab.x"]
    assert abs(np.corrcoef(x, plain["time_days.relapse"])[0, 1]) > 0.2
    assert plain["tab.x"].equals(dealt["tab.x"])


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([record(i) for i in range(30)], "endpoint 'relapse', which the source does not bring "
         r"\(it brings none but the label's\)"),
        ([record(i, endpoints={"relaps": Endpoint(followup_days=9)}) for i in range(30)],
         r"does not bring \(did you mean 'relaps'"),
        ([record(i, endpoints=relapse(last=9)) for i in range(30)],
         r"none of 30 records has the event of the endpoint 'relapse' \(30 have some follow-up\)"),
        ([record(i, endpoints=relapse(900, last=950)) for i in range(30)],
         "of 30 records none has the event by day 400 in respect of the endpoint 'relapse'"),
        ([record(i, endpoints=relapse(i, last=950)) for i in range(30)],
         "of 30 records none is known to be free of it by day 400"),
    ],
)  # fmt: skip
def test_a_head_that_cannot_learn_is_refused(make: Any, records: list[Record], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        make(records)


def test_a_record_followed_beyond_every_training_patient_is_refused(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ("train", "train", "val", "test")
    ends = [
        relapse(10, last=2000) if i % 3 == 0 else relapse(last=50 if i % 4 < 2 else 2000)
        for i in range(48)
    ]
    own = [
        record(i, endpoints=end if i % 4 > 1 or i % 3 == 0 else relapse(last=50),
               event_time_days=100.0 if i % 5 == 0 else None, given_split=parts[i % 4])
        for i, end in enumerate(ends)
    ]  # fmt: skip
    source = ingested_records(own, tmp_path, monkeypatch)
    with pytest.raises(InputError, match="nobody was followed beyond 50 days"):
        prepared(source, label=LABEL, heads=HEADS, modalities=["tabular"])


def test_the_endpoints_that_a_manifest_brings() -> None:
    columns = ["event_time_days", "event_time_days.b", "event_time_days.a", "death_days.c"]
    assert brought(pd.DataFrame(columns=columns)) == ["a", "b"]


def test_an_endpoint_without_a_binary_head_is_told_at_its_last_horizon() -> None:
    from pydantic import TypeAdapter

    from components.core.config.heads import HeadMap

    heads = TypeAdapter(HeadMap).validate_python(HEADS)
    assert horizons(heads) == {"relapse": 400}
    del heads["relapse"]
    assert horizons(heads) == {"relapse": 800}
