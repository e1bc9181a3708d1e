"""New stays out of a hospital's own tables of stays and events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core import store
from components.core.bundle import Predictor
from components.core.errors import ConfigError, InputError
from components.core.event_tables.options import Options
from components.core.schemas import REJECTS
from components.core.store import Stage
from components.score import chunks, run
from tests.bundles import write_toy_bundle
from tests.conftest import Workplace
from tests.event_bundles import write_event_bundle
from tests.ingest.sources.event_files import COURSE, events, stays, write_lists, write_rows

SENT = [
    {"hours_before_prediction": hours, "type": kind, "text": text} for hours, kind, text in COURSE
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_event_bundle(tmp_path_factory.mktemp("events"))


def new(number: int = 3) -> list[dict[str, Any]]:
    """Return rows of stays without an outcome, under ids that must not be told."""
    own = [{k: v for k, v in row.items() if k != "label"} for row in stays(number)]
    return [
        {**row, "patient_id": f"secret{i // 2}", "care_unit": "MICU"} for i, row in enumerate(own)
    ]


def happened(number: int = 3) -> list[dict[str, Any]]:
    own = [{k: v for k, v in row.items() if k != "patient_id"} for row in events(number)]
    return [row for row in own if row["stay_id"] != "s2"]  # the third has none


def scored(bundle: Path, path: Path, overrides: str = "") -> Stage:
    job = run.job(bundle, source="event_table", path=str(path), overrides=overrides)
    return store.build(
        "score", run.identity(job), config=run.config(job), inputs={},
        compute=lambda work: run.score(work, job, workers=1),
    )[0]  # fmt: skip


@pytest.mark.parametrize("write", [write_rows, write_lists])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_stays_are_answered_as_requests_are(
    bundle: Path, workspace: Workplace, tmp_path: Path, write: Any, suffix: str
) -> None:
    write(tmp_path, new(), happened(), suffix)
    told = "events=" if write is write_lists else f"events=events{suffix}"
    done = scored(bundle, tmp_path, f"stays=stays{suffix} {told} memory_gb=1")
    found = pd.read_parquet(done.folder / run.PREDICTIONS)
    predictor = Predictor(bundle)
    asked = [{"age": 60 + i, "care_unit": "MICU", "events": SENT if i < 2 else None}
             for i in range(3)]  # fmt: skip
    answers = predictor.predict(pd.DataFrame(asked))
    assert found["logit"].tolist() == [each.logit for each in answers]
    assert found["inputs"].tolist() == ["tabular;events", "tabular;events", "tabular"]
    assert found["sample_id"].tolist() == ["row-2", "row-3", "row-4"]
    assert found["patient_id"].tolist() == ["patient-2", "patient-2", "patient-4"]
    assert chunks.prediction_schema(predictor.facts).names == list(found.columns)
    assert done.counts["event_rows_used"] == 6
    assert "secret" not in found.to_csv()


def test_nothing_is_lost_of_rows_that_cannot_be_used(
    bundle: Path, workspace: Workplace, tmp_path: Path
) -> None:
    own = new(6)
    own[1] |= {"prediction_time": "noon"}
    own[2] |= {"age": "old"}
    own[3] |= {"stay_id": "s0"}
    own[4] |= {"patient_id": None}
    own[5] |= {"age": None, "care_unit": None}
    rows = happened(5)
    rows[0] |= {"event_type": "imaging"}
    write_rows(tmp_path, own, rows)
    done = scored(bundle, tmp_path, "memory_gb=1 max_bad_rows=0.5")
    assert len(pd.read_parquet(done.folder / run.PREDICTIONS)) == 1
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert dict(zip(rejects["row"], rejects["code"], strict=True)) == {
        3: "not_a_time", 4: "not_a_number", 5: "duplicate_id", 6: "missing_value", 7: "input",
    }  # fmt: skip
    assert "nothing to answer from" in rejects["reason"].iloc[-1]
    assert done.counts["records"] == 6
    assert done.counts["event_rows_unknown_type"] == 1
    assert "secret" not in rejects.to_csv()


def test_too_many_bad_events_are_refused(
    bundle: Path, workspace: Workplace, tmp_path: Path
) -> None:
    rows = [row | {"event_text": " "} for row in happened()]
    write_rows(tmp_path, new(), rows)
    with pytest.raises(InputError, match=r"6 of 6 events of 'events.csv' cannot be used \(6 × wi"):
        scored(bundle, tmp_path, "memory_gb=1")


def test_a_killed_run_goes_on_from_its_last_chunk(
    bundle: Path, workspace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    write_rows(folder, new(5), happened(5))
    monkeypatch.setattr(run, "CHUNK", 2)
    whole = pd.read_parquet(scored(bundle, folder, "memory_gb=1").folder / run.PREDICTIONS)
    asked: list[int] = []
    plain = chunks._ask

    def failing(predictor: Any, record: Any, *more: Any) -> Any:
        asked.append(record.row)
        if record.row == 5 and asked.count(5) == 1:
            raise KeyboardInterrupt
        return plain(predictor, record, *more)

    monkeypatch.setattr(chunks, "_ask", failing)
    with pytest.raises(KeyboardInterrupt):
        scored(bundle, folder, "memory_gb=2")
    again = scored(bundle, folder, "memory_gb=2")
    assert asked == [2, 3, 4, 5, 4, 5, 6]
    found = pd.read_parquet(again.folder / run.PREDICTIONS)
    pd.testing.assert_frame_equal(found, whole)


def test_the_task_s_own_columns_are_known(workspace: Workplace, tmp_path: Path) -> None:
    tables = Options(stay_id="case", label="died", stays="cohort.csv", tabular={"sex": "numeric"})
    bundle = write_event_bundle(tmp_path / "own", tables=tables, members=1)
    (tmp_path / "new").mkdir()
    own = pd.DataFrame(new()).rename(columns={"stay_id": "case"})
    own.to_csv(tmp_path / "new" / "cohort.csv", index=False)
    rows = pd.DataFrame(happened()).rename(columns={"stay_id": "case"})
    rows.to_csv(tmp_path / "new" / "events.csv", index=False)
    job = run.job(bundle, source="event_table", path=str(tmp_path / "new"))
    assert job.stays is not None
    assert job.stays.options.label == ""
    assert job.stays.options.tabular == {"age": "numeric", "care_unit": "categorical"}
    assert [len(each.events or ()) for each in job.records()] == [3, 3, 0]
    other = run.job(
        bundle, source="event_table", path=str(tmp_path / "new"), overrides="max_bad_rows=1"
    )
    assert run.identity(other) != run.identity(job)


@pytest.mark.parametrize(
    ("source", "overrides", "error", "sentence"),
    [
        ("event_table", "label=died tabular=x", ConfigError,
         "'set' gives label, tabular, which new stays need not have"),
        ("event_table", "stay=case", ConfigError, "'stay'.*did you mean 'stays'"),
        ("event_table", "events=absent.csv", InputError, "names 'absent.csv', which does not"),
        ("manifest", "", InputError,
         "takes event sequences, which a manifest cannot hold; give source=event_table"),
        ("manifest", "stays=a.csv", ConfigError, "the source 'manifest' has no options here"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(
    bundle: Path, tmp_path: Path, source: str, overrides: str, error: type[Exception], sentence: str
) -> None:
    write_rows(tmp_path, new(), happened())
    path = tmp_path / "stays.csv" if source == "manifest" else tmp_path
    with pytest.raises(error, match=sentence):
        run.job(bundle, source=source, path=str(path), overrides=overrides)


def test_a_model_without_events_takes_no_stays(tmp_path: Path) -> None:
    plain = write_toy_bundle(tmp_path, ecg=False)
    with pytest.raises(InputError, match="the model of task 'toy' takes no event sequences"):
        run.job(plain, source="event_table", path=str(tmp_path))
