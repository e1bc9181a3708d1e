"""What the checklist looks at in sequences of events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.batches import raw_batch
from components.core.data.cohort import Rows, read_part
from components.core.errors import RefusedError
from components.core.store import Stage
from components.train.checklist import check
from components.train.checklist_events import check_events
from tests.chain import task_config
from tests.event_cohort import ingested_stays, prepared_stays, write_stays


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return prepared_stays(ingested_stays(write_stays(tmp_path_factory.mktemp("raw"))))


@pytest.fixture(scope="module")
def train(cohort: Stage) -> Rows:
    return read_part(cohort, "holdout", "train")


@pytest.fixture(scope="module")
def val(cohort: Stage) -> Rows:
    return read_part(cohort, "holdout", "val")


def _heads() -> HeadMap:
    return task_config(
        label={"name": "label", "definition": "d", "prediction_time": "t"}
    ).all_heads()


def test_an_honest_cohort_passes(train: Rows, val: Rows) -> None:
    done = check(train, val, FitConfig(), (), _heads())
    assert {"no identical event sequence in two parts", "no patient in two parts"} <= set(done)
    assert "no identical event sequence in two parts" not in check(
        train, None, FitConfig(), (), _heads()
    )


def test_a_cohort_without_any_event_is_refused(train: Rows) -> None:
    events = train.events
    assert events is not None
    batch = raw_batch(train, np.arange(4))

    class Nothing:
        lengths = np.zeros(len(train), np.int64)

    empty = replace(train, events=replace(events, source=Nothing()))
    with pytest.raises(RefusedError, match="no record of the train part of fold holdout has an ev"):
        check_events(empty, None, batch)


def test_steps_must_be_finite_and_padding_empty(train: Rows) -> None:
    batch = raw_batch(train, np.arange(8))
    broken = batch["events"].clone()
    broken[0, 0, 3] = float("nan")
    with pytest.raises(RefusedError, match="a step of an event sequence is not finite"):
        check_events(train, None, {**batch, "events": broken})
    shortest = int(batch["events_valid"].sum(dim=1).argmin())
    full = batch["events"].clone()
    full[shortest, -1, 0] = 1.0
    with pytest.raises(RefusedError, match="the padding of an event sequence is not empty"):
        check_events(train, None, {**batch, "events": full})


def test_the_sequence_of_two_patients_is_refused(train: Rows, val: Rows) -> None:
    frame = val.frame.copy()
    frame.loc[0, ["sha256.events", "event_count"]] = [train.frame["sha256.events"][3], 5]
    batch = raw_batch(train, np.arange(4))
    long = replace(train, frame=train.frame.assign(event_count=5))
    with pytest.raises(RefusedError, match=r"1 event sequence\(s\) are in train and in val"):
        check_events(long, replace(val, frame=frame), batch)
    short = replace(train, frame=train.frame.assign(event_count=4))
    assert check_events(short, replace(val, frame=frame), batch)
