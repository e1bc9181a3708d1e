"""The candidate of a cohort of event sequences: how they were prepared goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from components.core import runs
from components.core.bundle import Predictor
from components.core.config.task import TaskConfig
from components.core.data.cohort import rows_of
from components.core.data.stored_events import EVENT_KINDS
from components.core.device import resolve
from components.core.errors import InputError
from components.core.registry import bundle_folder, register
from components.core.reproduction import Stored, opened, plain_rows
from components.core.schemas import EVENT_COUNT, TABULAR_PREFIX
from components.core.store import Stage
from components.core.stored_sequences import StoredSequences
from components.core.trained import member_logits, members_of
from components.core.upstream import Upstream, upstream
from components.evaluate import bundling
from components.evaluate.card_facts import card_facts
from components.evaluate.predictions import FoldTest, calibrate, pooled_validation
from components.evaluate.reproduction import TOLERANCE, bundle_deviation
from tests.chain import audited, manifest_of, task_config, trained
from tests.conftest import Workplace
from tests.event_bundles import MODEL
from tests.event_cohort import LABEL, ingested_stays, prepared_stays, write_stays

FIT: dict[str, Any] = {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32"}
Made = tuple[Upstream, TaskConfig]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Return a training on stays, one of which has no event but orders of comfort care."""
    folder = tmp_path_factory.mktemp("bundled")
    raw = write_stays(folder, stays=90)
    table = pd.read_parquet(raw / "events.parquet")
    more = table.groupby("stay_id").head(1).assign(event_text="Comfort Measures Only")
    table.loc[table["stay_id"] == "s0000", "event_text"] = "DNR"
    pd.concat([table, more]).to_parquet(raw / "events.parquet", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        yield _trained(raw)


def _trained(raw: Path) -> Made:
    cohort = prepared_stays(ingested_stays(raw))
    task = task_config(
        model=MODEL, fit=FIT, label=LABEL,
        ingest={"source": "event_table", "options": {"event_table": {"stay_id": "stay_id"}}},
    )  # fmt: skip
    return upstream(trained(audited(cohort, label=LABEL), task)), task


@pytest.fixture(scope="module")
def bundle(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    bundling.bundle(folder, *made, version="v" * 32)
    return folder


def _training(cohort: Stage) -> pd.Series:
    frame = manifest_of(cohort)
    return frame.loc[frame["part.holdout"] == "train", EVENT_COUNT].fillna(0)


def test_the_bundle_knows_how_sequences_were_prepared(made: Made, bundle: Path) -> None:
    facts, counts = Predictor(bundle).facts, _training(made[0].cohort)
    assert facts.events is not None
    assert facts.events.comfort_care == "drop"
    assert facts.events.time == "scalar"
    specs = made[0].train.facts["specs"].values()
    assert [facts.events.width] == [each["events"] for each in specs]
    assert facts.events.longest == counts.max()
    assert (counts == 0).any()
    assert facts.events.absence_taught
    assert not facts.events.fields_taught
    assert facts.event_tables is not None
    assert facts.features == {"age": "numeric", "care_unit": "categorical"}


def test_where_nobody_lacked_events_their_absence_was_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "data"))
    own = _trained(write_stays(tmp_path, stays=60))
    bundling.bundle(tmp_path / "bundle", *own, version="v" * 32)
    facts = Predictor(tmp_path / "bundle").facts.events
    assert facts is not None
    assert not facts.absence_taught


def test_it_says_what_was_reported(made: Made, bundle: Path, tmp_path: Path) -> None:
    stages, _ = made
    rows = rows_of(stages.cohort, "holdout", "test")
    place = resolve("cpu", "fp32")
    own = members_of(stages.train, "holdout")
    logits = np.mean([member_logits(stages.train, m, rows, place) for m in own], axis=0)
    val = pooled_validation(stages.train, ["holdout"])
    test = FoldTest(
        fold="holdout", rows=rows, frame=rows.frame.assign(logit=logits),
        calibration=calibrate(val, rule="youden", recalibrate="platt"),
    )  # fmt: skip
    kept = tmp_path / "kept"
    assert 0 <= bundle_deviation(bundle, stages, test, place, keep=kept) <= TOLERANCE
    assert len(pd.read_parquet(kept)) == 16


def test_a_request_has_the_same_answer_as_the_stored_stay(made: Made, bundle: Path) -> None:
    stages, _ = made
    predictor = opened(bundle, stages.cohort)
    stored = Stored(stages.cohort, stages.ingest)
    source = StoredSequences(
        stages.ingest.folder, manifest_of(stages.ingest).set_index("sample_id")
    )
    for row in plain_rows(manifest_of(stages.cohort).head(8)):
        own = source.read(row["sample_id"])
        assert own is not None
        sent = [
            {"hours_before_prediction": seconds / 3600, "type": EVENT_KINDS[kind], "text": text}
            for seconds, kind, text in zip(own.seconds, own.kind, own.text.to_pylist(), strict=True)
        ]
        fields = {name: row[f"{TABULAR_PREFIX}{name}"] for name in ("age", "care_unit")}
        asked = {**fields, "events": sent}
        found, expected = predictor.answer(asked), stored.ask(predictor, row)
        assert found.logit == pytest.approx(expected.logit, abs=1e-6)
        assert "comfort care" in found.fields_note


def test_a_record_without_a_sequence_has_none(made: Made) -> None:
    stages, _ = made
    frame = manifest_of(stages.ingest).set_index("sample_id")
    sample = str(frame.index[0])
    frame["shard.events"] = frame["shard.events"].astype("Int64")
    frame.loc[sample, "shard.events"] = pd.NA
    assert StoredSequences(stages.ingest.folder, frame).read(sample) is None
    plain = StoredSequences(stages.ingest.folder, frame.drop(columns="shard.events"))
    assert plain.read(sample) is None
    with pytest.raises(InputError, match="ingest again"):
        StoredSequences(stages.cohort.folder.parent, frame).read(str(frame.index[1]))


def test_other_networks_of_the_cohort_take_no_sequence(made: Made, tmp_path: Path) -> None:
    stages, task = made
    audit = stages.audit
    own = task_config(model={"name": "tabular", "hidden": 16}, fit=FIT, label=LABEL)
    plain = replace(stages, train=trained(audit, own))
    bundling.bundle(tmp_path / "plain", plain, own, version="v" * 32)
    facts = Predictor(tmp_path / "plain").facts
    assert (facts.events, facts.event_tables, facts.optional) == (None, None, {})
    assert task.model["name"] == "event_transformer"


def test_what_is_registered_serves_raw_events(bundle: Path, workspace: Workplace) -> None:
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, bundle, name="mortality", alias="candidate", tags={})
    model = mlflow.pyfunc.load_model("models:/mortality@candidate")
    answers = model.predict(model.input_example)
    assert answers["error"].tolist() == [""]
    rows = pd.DataFrame({"events": [[
        {"hours_before_prediction": 3.5, "type": "lab", "text": "Lactate 1.4 mmol/L"}
    ], None], "age": [61.0, 61.0]})  # fmt: skip
    assert model.predict(rows)["inputs"].tolist() == ["tabular;events", "tabular"]
    assert bundle_folder("models:/mortality@candidate").is_dir()


def test_the_model_card_says_what_goes_in(made: Made) -> None:
    stages, task = made
    told = card_facts(stages, task)
    assert told["7"].startswith("Event sequence: every event known by the prediction (an order, ")
    assert "fitted on the training part, time as the logarithm of the hours" in told["7"]
    assert told["7"].endswith("orders of comfort care and limits of treatment left out.")
    assert told["9b"].startswith("the event sequence, ")
    assert "a vector in place of its sequence, learned only where training had" in told["11"]
    assert "after the prediction is refused with its reason" in told["27a"]
