"""Outcomes of several endpoints in the manifest, and contradictions within one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.errors import RecordError
from components.ingest.endpoints import endpoint_cells, endpoint_fields
from components.ingest.records import Endpoint
from tests.chain import manifest_of, rejects_of
from tests.endpoint_cohort import ingested_records, record


def test_times_stand_under_the_name_of_their_endpoint() -> None:
    found = endpoint_cells(record(0, endpoints={"relapse": Endpoint(followup_days=7)}))
    assert found == {
        "event_time_days.relapse": None,
        "death_days.relapse": None,
        "followup_days.relapse": 7,
    }
    assert endpoint_cells(record(0)) == {}
    names = [each.name for each in endpoint_fields(["row", "tab.x", *found])]
    assert names == sorted(found)


@pytest.mark.parametrize(
    ("own", "code", "field"),
    [
        ({"event_time_days": -1}, "event_before_index", "event_time_days.relapse"),
        ({"followup_days": -0.5}, "event_before_index", "followup_days.relapse"),
        ({"event_time_days": 5, "death_days": 4}, "event_after_death", "event_time_days.relapse"),
        ({"event_time_days": 5, "followup_days": 4}, "event_after_followup",
         "event_time_days.relapse"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused(own: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(RecordError, match="endpoint 'relapse'") as caught:
        endpoint_cells(record(0, endpoints={"relapse": Endpoint(**own)}))
    assert (caught.value.code, caught.value.field) == (code, field)


def test_an_event_on_the_day_of_death_or_of_the_last_contact_is_none() -> None:
    own = Endpoint(event_time_days=5, death_days=5, followup_days=5)
    assert endpoint_cells(record(0, endpoints={"relapse": own}))["death_days.relapse"] == 5


def test_every_record_has_the_columns_of_every_endpoint(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.ingest.run.CHUNK", 2)
    records = [
        record(0),
        record(1),
        record(2, endpoints={"relapse": Endpoint(event_time_days=3, followup_days=9)}),
        record(3, endpoints={"stroke": Endpoint(followup_days=9)}),
        record(4, endpoints={"stroke": Endpoint(event_time_days=-3)}),
    ]
    stage = ingested_records(records, tmp_path, monkeypatch)
    frame = manifest_of(stage).set_index("sample_id")
    assert frame["event_time_days.relapse"].notna().tolist() == [False, False, True, False]
    assert frame["followup_days.stroke"].tolist()[3] == 9
    assert str(frame["death_days.stroke"].dtype) == "float64"
    assert rejects_of(stage)["code"].tolist() == ["event_before_index"]
