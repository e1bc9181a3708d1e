"""The synthetic ICU stays are read as MIMIC-IV is; what was planted is what the records hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data.comfort_care import comfort_care
from components.core.data.stored_events import EVENT_KINDS, Events, stored_events
from components.core.parts import part_paths
from components.core.planted_truth import truth_summary, truth_table
from components.core.store import Stage
from components.ingest.flow import FLOW
from components.ingest.records import Record
from components.ingest.sources import mimic_iv, synthetic
from components.ingest.synthetic.options import ICU_LEAKS
from tests.chain import ingest_config, ingested

PLAIN: dict[str, Any] = {"part": "icu", "patients": 250}
LAB = EVENT_KINDS.index("lab")


@pytest.fixture(scope="module", autouse=True)
def _one_store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def stage(_one_store: None, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return ingested(ingest_config("synthetic", tmp_path_factory.mktemp("none"), PLAIN))


def records(*leaks: str) -> dict[str, Record]:
    options = synthetic.Options.model_validate(PLAIN | {"leaks": leaks})
    found = synthetic.read(Path(), options)
    return {each.record_id: each for each in found if isinstance(each, Record)}


@pytest.fixture(scope="module")
def clean(_one_store: None) -> dict[str, Record]:
    return records()


def sequence(record: Record) -> Events:
    assert record.events is not None
    return record.events


def told(events: Events) -> list[tuple[int, int, int, str]]:
    return list(zip(events.seconds.tolist(), events.known_seconds.tolist(),
                    events.kind.tolist(), events.text.to_pylist(), strict=True))  # fmt: skip


def test_there_are_no_targets_notes_or_measurements() -> None:
    options = synthetic.Options.model_validate(PLAIN)
    assert synthetic.features(Path(), options) == mimic_iv.features(Path(), mimic_iv.Options())
    assert synthetic.targets(Path(), options) == {}
    assert synthetic.notes(Path(), options) is None
    assert synthetic.measurements(Path(), options) is None


def test_other_parts_have_no_flow_and_no_counts() -> None:
    options = synthetic.Options(part="embeddings", patients=5, emb_widths=(8, 8, 8, 8, 8))
    assert synthetic.flow(Path(), options) is None
    assert synthetic.counts(Path(), options) == {}
    assert synthetic.count(Path(), options) == 5


def test_the_stage_holds_the_kept_stays_and_counts_the_rest(stage: Stage) -> None:
    truth, planted = pd.read_parquet(truth_table(stage)), truth_summary(stage)
    assert planted is not None
    assert stage.counts["records"] == planted["counts"]["kept"]
    assert (stage.folder / FLOW).is_file()
    rejects = pd.read_parquet(stage.folder / "rejects.parquet")["code"]
    assert set(rejects) == set(truth["exit"]) - {"kept", "left_before", "died_before"}
    assert stage.counts["labevents_known_later"] > 0
    manifest = pd.read_parquet(stage.folder / "manifest.parquet")
    own = truth.set_index("recording_id").loc[manifest["sample_id"]]
    assert (own["patient_id"].to_numpy() == manifest["patient_id"]).all()
    assert (own["died"].to_numpy() == (manifest["label"] == 1)).all()


def test_records_hold_the_planted_events_where_the_truth_says(stage: Stage) -> None:
    manifest, planted = pd.read_parquet(stage.folder / "manifest.parquet"), truth_summary(stage)
    assert planted is not None
    truth = pd.read_parquet(truth_table(stage)).set_index("recording_id")
    shards = {
        number: list(stored_events(part_paths(stage.folder, number, "events")[0]))
        for number in set(manifest["shard.events"])
    }
    rows = manifest[["sample_id", "shard.events", "shard_row.events"]].itertuples(index=False)
    for name, shard, row in rows:
        events = shards[shard][row]
        for each in planted["planted"]:
            own = np.array([each["phrase"] in text for text in events.text.to_pylist()])
            assert set(events.kind[own]) <= {EVENT_KINDS.index(each["kind"])}
            inside = events.seconds[own] <= each["window_hours"] * 3600
            assert inside.any() == truth.loc[name, f"planted_{each['name']}"]
            assert (~inside).any() == truth.loc[name, f"earlier_{each['name']}"]


def test_sequences_differ_in_length_and_repeat_their_texts(clean: dict[str, Record]) -> None:
    lengths = [len(sequence(each)) for each in clean.values()]
    assert 50 <= np.median(lengths) <= 100
    assert max(lengths) > 4 * np.median(lengths)
    texts = [text for each in clean.values() for text in sequence(each).text.to_pylist()]
    assert len(set(texts)) < 0.25 * len(texts)


@pytest.mark.parametrize("leak", ICU_LEAKS)
def test_a_leak_changes_no_stay_label_or_other_feature(leak: str, clean: dict[str, Record]) -> None:
    leaking = records(leak)
    assert list(leaking) == list(clean)
    for name, own in leaking.items():
        assert own.label == clean[name].label
        assert clean[name].tabular.items() <= own.tabular.items()
    assert repr(leaking) != repr(clean)


def test_length_of_stay_is_a_feature_and_tells_of_death(clean: dict[str, Record]) -> None:
    options = synthetic.Options.model_validate(PLAIN | {"leaks": ("length_of_stay",)})
    assert synthetic.features(Path(), options)["length_of_stay_days"] == "numeric"
    leaking = records("length_of_stay")
    truth = pd.read_parquet(synthetic.files(options) / "truth.parquet").set_index("recording_id")
    for name, own in leaking.items():
        days = truth.loc[name, "length_of_stay_days"]
        assert own.tabular["length_of_stay_days"] == pytest.approx(days, abs=1e-4)
        assert told(sequence(own)) == told(sequence(clean[name]))


def test_time_to_the_final_event_shifts_every_event(clean: dict[str, Record]) -> None:
    leaking = records("time_to_final_event")
    options = synthetic.Options.model_validate(PLAIN)
    truth = pd.read_parquet(synthetic.files(options) / "truth.parquet").set_index("recording_id")
    final = (truth["hours_to_final_event"] * 3600).to_dict()
    for name, own in leaking.items():
        shift = sequence(own).seconds - sequence(clean[name]).seconds
        assert len(set(shift)) == 1
        assert shift[0] == pytest.approx(final[name], abs=1500)
        assert sequence(own).text.equals(sequence(clean[name]).text)


def test_events_after_the_prediction_are_those_of_the_whole_stay(clean: dict[str, Record]) -> None:
    leaking = records("events_after_prediction")
    later = [(sequence(own).seconds < 0).sum() for own in leaking.values()]
    assert np.mean(np.array(later) > 0) > 0.95
    for name, own in leaking.items():
        assert (np.diff(sequence(own).seconds) <= 0).all()
        before = sequence(own).seconds >= 0
        # At least as many as were known: some labs of that time were stored after it.
        assert before.sum() >= len(sequence(clean[name]))


def test_chart_time_brings_labs_that_nobody_knew_yet(clean: dict[str, Record]) -> None:
    leaking = records("chart_time")
    unknown = 0
    for name, own in leaking.items():
        events = sequence(own)
        late = events.known_seconds < 0
        assert (events.seconds >= 0).all()
        assert (np.diff(events.seconds) <= 0).all()
        assert (events.kind[late] == LAB).all()
        known = [each for each in told(events) if each[1] >= 0]
        assert sorted(known) == sorted(told(sequence(clean[name])))
        unknown += int(late.sum())
    assert unknown > len(leaking) / 2


def test_comfort_care_is_ordered_for_those_who_die(clean: dict[str, Record]) -> None:
    def ordered(found: dict[str, Record]) -> list[float]:
        has = {name: comfort_care(sequence(each).text).any() for name, each in found.items()}
        return [
            float(np.mean([has[name] for name, each in found.items() if each.label == label]))
            for label in (0, 1)
        ]

    assert ordered(clean) == [0.0, 0.0]
    leaking = ordered(records("comfort_care"))
    assert leaking[1] > 0.4
    assert leaking[0] < 0.05


def test_leaks_can_be_asked_for_together(clean: dict[str, Record]) -> None:
    leaking = records("chart_time", "time_to_final_event", "length_of_stay")
    for name, own in leaking.items():
        assert len(sequence(own)) >= len(sequence(clean[name]))
        assert sequence(own).seconds.min() > 0
        assert "length_of_stay_days" in own.tabular
