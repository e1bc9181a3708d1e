"""Leaks of event sequences: each planted stage is refused, its clean twin passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.errors import InputError
from components.core.store import Stage
from tests.audit.event_leaks import edited, look, prepared_cohort
from tests.chain import audited, manifest_of
from tests.event_cohort import LABEL, OPTIONS, PREDICTION

CHECKS = (
    "length_of_stay", "time_to_final_event", "events_after_prediction", "chart_time",
    "comfort_care", "near_identical_events", "label_in_events", "normalisation_scope",
)  # fmt: skip
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
UNKNOWN = {"stay_end": "", "admission_end": ""}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return prepared_cohort(tmp_path_factory.mktemp("clean"))


@pytest.mark.parametrize("name", CHECKS)
def test_the_clean_twin_passes(clean: Stage, name: str) -> None:
    assert look(name, clean).passed


@pytest.mark.parametrize("name", CHECKS[:-1])
def test_a_cohort_without_sequences_has_none_of_it(clean: Stage, name: str) -> None:
    other = replace(clean, facts=clean.facts | {"modalities": ["tabular"]})
    found = look(name, other)
    assert found.passed
    assert found.sentence == "the cohort has no sequences of events"


def test_the_whole_audit_passes_the_clean_twin(clean: Stage) -> None:
    assert audited(clean, label=LABEL).facts["refused"] == ""


# Length of stay


def _los(own: pd.DataFrame) -> pd.Series:
    return (own["home"] - PREDICTION) / DAY + 1


FEATURES: dict[str, Any] = {
    "days": _los,
    "of the stay in the unit": lambda own: (own["out"] - PREDICTION) / DAY,
    "the other way round": lambda own: -np.log(_los(own)),
    "rounded up": lambda own: np.ceil(_los(own)),
    "with gaps": lambda own: _los(own).where(np.arange(len(own)) % 3 > 0),
    "with noise": lambda own: _los(own) + np.random.default_rng(0).normal(0, 1, len(own)),
    "in thirds": lambda own: pd.qcut(_los(own), 3, labels=["b", "a", "c"]).astype(str),
    "missing in short stays": lambda own: pd.Series("yes", own.index).where(
        _los(own) > _los(own).median()
    ),
}


@pytest.mark.parametrize("kind", FEATURES)
def test_a_feature_that_tells_the_length_of_stay(tmp_path: Path, kind: str) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        own["x1"] = FEATURES[kind](own)
        return happened

    text = kind in ("in thirds", "missing in short stays")
    tabular = OPTIONS["tabular"] | {"x1": "categorical" if text else "numeric"}
    found = look("length_of_stay", prepared_cohort(tmp_path, plant, {"tabular": tabular}))
    assert not found.passed
    assert found.sentence.startswith("tells when the stay ends, by a correlation of 0.8 or more:")
    assert "'x1' (" in found.sentence
    assert "'age'" not in found.sentence
    assert found.evidence["end"]["x1"] in ("stay_end_days", "admission_end_days")


def test_a_name_alone_is_no_leak(tmp_path: Path) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        own["length_of_stay"] = np.arange(len(own)) % 7
        own["ward"] = "one"
        return happened

    tabular = OPTIONS["tabular"] | {"length_of_stay": "numeric", "ward": "categorical"}
    found = look("length_of_stay", prepared_cohort(tmp_path, plant, {"tabular": tabular}))
    assert found.passed
    assert found.evidence["correlation"]["length_of_stay"] < 0.5
    assert found.evidence["correlation"]["ward"] == 0


def test_a_number_of_events_that_tells_it(tmp_path: Path) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        days = dict(zip(own["stay_id"], _los(own), strict=True))
        rank = happened.groupby("stay_id").cumcount()
        keep = rank < happened["stay_id"].map(days).clip(1, 40)
        return happened[keep]

    found = look("length_of_stay", prepared_cohort(tmp_path, plant))
    assert not found.passed
    assert "'the number of events' (0." in found.sentence


def test_ends_that_nobody_knows_cannot_be_compared(tmp_path: Path) -> None:
    stage = prepared_cohort(tmp_path, options=UNKNOWN)
    assert manifest_of(stage)["stay_end_days"].isna().all()
    found = look("length_of_stay", stage)
    assert found.passed
    assert "not known when the stays end, so that no feature could be compared" in found.sentence
    assert "times could not be compared with it" in look("time_to_final_event", stage).sentence


# Times from the final event


def _from_the_end(column: str) -> Any:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        ends = own.set_index("stay_id")[column] - PREDICTION
        return happened.assign(event_time=happened["event_time"] - happened["stay_id"].map(ends))

    return plant


@pytest.mark.parametrize(("column", "told"), [("home", "hospital admission"), ("out", "stay")])
def test_times_from_the_final_event(tmp_path: Path, column: str, told: str) -> None:
    found = look("time_to_final_event", prepared_cohort(tmp_path, _from_the_end(column)))
    assert not found.passed
    assert "measured from their end: the hours from" in found.sentence
    assert f"time to the end of the {told} (correlation " in found.sentence
    assert found.evidence["correlation"]["the last event"] > 0.95


def test_times_from_the_last_event_show_where_no_end_is_known(tmp_path: Path) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        last = happened.groupby("stay_id")["event_time"].transform("max")
        return happened.assign(event_time=happened["event_time"] + (PREDICTION - last))

    found = look("time_to_final_event", prepared_cohort(tmp_path, plant, UNKNOWN))
    assert not found.passed
    assert "the last event lies exactly at the prediction in 100% of them" in found.sentence
    refused = audited(prepared_cohort(tmp_path, plant, UNKNOWN), label=LABEL).facts["refused"]
    assert "time_to_final_event" in refused


# Events that nobody knew of


def test_events_after_the_prediction(clean: Stage, tmp_path: Path) -> None:
    def late(seconds: Any) -> None:
        seconds[:2] = [-7200, -60]

    found = look("events_after_prediction", edited(clean, tmp_path, "seconds", late))
    assert not found.passed
    assert "2 of" in found.sentence
    assert "in 1 of 60 sequences, lie up to 2 h after the prediction" in found.sentence
    assert found.evidence["rows"] == [2]


def test_events_that_were_known_later(clean: Stage, tmp_path: Path) -> None:
    def stored(seconds: Any) -> None:
        seconds[0] = -1

    found = look("chart_time", edited(clean, tmp_path, "known_seconds", stored))
    assert not found.passed
    assert found.sentence.startswith(
        "1 event(s), in 1 of 60 sequences, happened before the prediction but were known only"
    )
    assert found.evidence["rows"] == [2]


def test_a_source_that_tells_no_time_of_storing(clean: Stage, tmp_path: Path) -> None:
    untold = look("chart_time", clean)
    assert "lab and microbiology events are all said to be known when they" in untold.sentence

    def told(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        return happened.assign(stored=happened["event_time"] + pd.Timedelta(minutes=5))

    found = look("chart_time", prepared_cohort(tmp_path, told, {"known_time": "stored"}))
    assert found.sentence == "no event is said to be known only after the prediction"


# Comfort care


def _limits(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    died = own.loc[own["label"] == 1, "stay_id"].iloc[:3]
    lived = own.loc[own["label"] == 0, "stay_id"].iloc[:1]
    first = ~happened["stay_id"].duplicated()
    happened.loc[first & happened["stay_id"].isin(died), "event_text"] = "Comfort Measures: Jones"
    happened.loc[first & happened["stay_id"].isin(lived), "event_text"] = "DNR"
    return happened


def test_orders_of_comfort_care_are_refused_where_they_are_kept(tmp_path: Path) -> None:
    events = {"text": {"width": 8, "min_documents": 2}, "comfort_care": "keep"}
    stage = prepared_cohort(tmp_path, _limits, events=events)
    found = look("comfort_care", stage)
    assert not found.passed
    frame = manifest_of(stage)
    died = int(frame["label"].eq(1).sum())
    assert "4 of 60 sequences hold orders of comfort care" in found.sentence
    assert "('comfort measures' in 3, 'DNR or DNI' in 1)" in found.sentence
    assert f"of 3 of {died} with the event and 1 of {60 - died} without it" in found.sentence
    assert found.evidence["records_per_phrase"] == {"comfort measures": 3, "DNR or DNI": 1}
    marked = frame.loc[frame["comfort_care_count"] > 0, "row"]
    assert found.evidence["rows"] == sorted(marked)
    assert "Jones" not in str(found)


def test_orders_of_comfort_care_that_were_left_out_are_told(tmp_path: Path) -> None:
    stage = prepared_cohort(tmp_path, _limits)
    found = look("comfort_care", stage)
    assert found.passed
    assert found.sentence.startswith(
        "4 order(s) of comfort care or of limits of treatment were left out of 4 of 60 sequences, "
        "of 3 of "
    )
    assert found.evidence["records_per_phrase"] == {"comfort measures": 3, "DNR or DNI": 1}
    assert (found.evidence["positive_records"], found.evidence["negative_records"]) == (3, 1)


def test_a_cohort_that_does_not_tell_of_comfort_care(clean: Stage) -> None:
    with pytest.raises(InputError, match=r"lacks the column\(s\) comfort_care_count"):
        look("comfort_care", clean, manifest_of(clean).drop(columns="comfort_care_count"))


# Copies


LONG = ("s0000", "s0003")
MANY = 40


def _long(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
    """Give the first of the two stays many events, and all stays events of their own."""
    del own
    times = [PREDICTION - pd.Timedelta(minutes=7 * n + 1) for n in range(MANY)]
    rows = pd.DataFrame({"stay_id": LONG[0], "event_time": times, "event_type": "lab"})
    both = pd.concat([happened[happened["stay_id"] != LONG[0]], rows], ignore_index=True)
    letters = np.random.default_rng(1).choice(list("abcdefgh"), (len(both), 6))
    own_words = ["".join(each) for each in letters]
    return both.assign(event_text=both["event_type"] + " " + pd.Series(own_words, both.index))


def _given(happened: pd.DataFrame, hours: float, lost: int) -> pd.DataFrame:
    """Put the first stay's events in the place of the second's, earlier and but for the last."""
    copied = happened[happened["stay_id"] == LONG[0]].iloc[: MANY - lost]
    copied = copied.assign(stay_id=LONG[1], event_time=copied["event_time"] - hours * HOUR)
    return pd.concat([happened[happened["stay_id"] != LONG[1]], copied], ignore_index=True)


def _apart(stage: Stage) -> pd.DataFrame:
    """Return the manifest with two patients in two parts and all others in the third."""
    frame = manifest_of(stage)
    name = frame["sample_id"]
    part = np.where(name == LONG[0], "train", np.where(name == LONG[1], "test", "val"))
    return frame.assign(**{"part.holdout": part})


@pytest.mark.parametrize(("hours", "lost"), [(0, 0), (5, 0), (0.5, 4)])
def test_a_sequence_under_two_patients(tmp_path: Path, hours: float, lost: int) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        return _given(_long(own, happened), hours, lost)

    stage = prepared_cohort(tmp_path, plant)
    frame = _apart(stage)
    found = look("near_identical_events", stage, frame)
    assert not found.passed
    if hours:
        assert [(p["row"], p["of_row"]) for p in found.evidence["listed"]] == [(2, 5)]
    else:
        assert found.evidence["identical_per_fold"] == {"holdout": 1}
        assert found.evidence["identical_rows"] == [2, 5]
    together = frame.assign(**{"part.holdout": "train"})
    assert look("near_identical_events", stage, together).passed


@pytest.mark.parametrize(("held", "passed"), [(4, True), (5, False)])
def test_a_handful_of_events_may_be_two_patients_own(
    tmp_path: Path, held: int, passed: bool
) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        return _given(_long(own, happened), 0, 0).groupby("stay_id").head(held)

    stage = prepared_cohort(tmp_path, plant)
    assert look("near_identical_events", stage, _apart(stage)).passed is passed


def test_sequences_of_their_own_are_no_copies(tmp_path: Path) -> None:
    stage = prepared_cohort(tmp_path, _long)
    found = look("near_identical_events", stage, _apart(stage))
    assert found.passed
    assert found.evidence["compared"] > 1


# The label


def test_an_event_that_stands_for_the_label(tmp_path: Path) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        died = own.loc[own["label"] == 1, "stay_id"]
        last = ~happened["stay_id"].duplicated(keep="last")
        hit = last & happened["stay_id"].isin(died)
        # Never twice the same: TF-IDF does without the digits, and so does the check.
        happened.loc[hit, "event_text"] = [f"Morgue sheet {n}" for n in range(int(hit.sum()))]
        return happened

    stage = prepared_cohort(tmp_path, plant)
    found = look("label_in_events", stage)
    assert not found.passed
    assert found.sentence.startswith("'morgue sheet 0' alone separate(s) the classes with an AUROC")
    few = manifest_of(stage).assign(patient_id="one")
    told = look("label_in_events", stage, few)
    assert not told.passed
    assert told.sentence.startswith("an event of fewer than 5 patients alone separate(s)")
    frame = manifest_of(stage)
    alike = look("label_in_events", stage, frame.assign(label=frame["label"] * 0))
    assert alike.passed
    assert alike.sentence == "the labels are all alike"


def test_a_length_that_stands_for_the_label(tmp_path: Path) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        died = own.loc[own["label"] == 1, "stay_id"]
        few = happened.groupby("stay_id").cumcount() > 1
        return happened[~(few & happened["stay_id"].isin(died))]

    found = look("label_in_events", prepared_cohort(tmp_path, plant))
    assert not found.passed
    assert "the number of events alone separate(s)" in found.sentence
