"""Sequences of a prepared cohort as a network gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from components.core.config.events import EventsConfig
from components.core.data.batches import by_length, loader, raw_batch
from components.core.data.cohort import Rows, read_everyone, read_part
from components.core.data.event_input import check_encoder, text_vectors
from components.core.data.event_stats import EventStats, TimeStats, fit_events
from components.core.data.event_words import with_places
from components.core.data.stored_events import EVENT_KINDS
from components.core.data.texts import EncodedText
from components.core.errors import InputError
from components.core.members import data_spec
from components.core.store import Stage
from components.core.text.identity import EncoderIdentity
from tests.event_cohort import ingested_stays, prepared_stays, write_stays

WIDTH = 4
IDENTITY = EncoderIdentity(
    model="reader", revision="1", pooling="mean", max_tokens=8, overlap=0, width=2
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return ingested_stays(write_stays(tmp_path_factory.mktemp("raw")))


@pytest.fixture(scope="module")
def cohort(source: Stage) -> Stage:
    return prepared_stays(source, events={"text": {"width": WIDTH, "min_documents": 2}})


@pytest.fixture(scope="module")
def rows(cohort: Stage) -> Rows:
    return read_part(cohort, "holdout", "train")


def test_a_step_is_kind_text_and_time(rows: Rows) -> None:
    assert rows.events is not None
    own, stats = rows.events, rows.events.stats
    assert stats.width == 5 + WIDTH + 1
    assert data_spec(rows, leads=8, length=10, heads={"a": 2}).events == stats.width
    index = np.array([3, 0, 7])
    steps, flat = own.batch(index), own.events(index)
    assert steps.values.shape == (3, int(own.lengths[index].max()), stats.width)  # noqa: PD011
    start = 0
    for row, length in enumerate(own.lengths[index].tolist()):
        part = slice(start, start + length)
        values = steps.values[row, :length]  # noqa: PD011
        assert values[:, :5].argmax(axis=1).tolist() == flat.kind[part].tolist()
        assert np.array_equal(values[:, :5].sum(axis=1), np.ones(length))
        texts = own.texts.take(pa.array(flat.text[part])).to_pylist()
        expected = stats.text.transform(with_places(texts))  # type: ignore[union-attr]
        assert np.array_equal(values[:, 5 : 5 + WIDTH], expected)
        hours = flat.seconds[part] / 3600
        assert np.allclose(steps.hours[row, :length], hours)
        scaled = (np.log1p(hours) - stats.time.mean) / stats.time.sd
        assert np.allclose(values[:, -1], scaled, atol=1e-5)
        assert steps.valid[row, :length].all()
        assert not steps.valid[row, length:].any()
        assert not steps.values[row, length:].any()  # noqa: PD011
        assert not steps.hours[row, length:].any()
        start += length


def test_the_last_step_is_the_latest_event(rows: Rows) -> None:
    assert rows.events is not None
    steps = rows.events.batch(np.array([1]))
    assert (np.diff(steps.hours[0]) <= 0).all()


def test_a_batch_carries_the_sequence_and_who_has_one(rows: Rows) -> None:
    batch = raw_batch(rows, np.array([2, 5]))
    assert {"events", "events_valid", "events_hours", "events_mask", "tabular_mask"} <= set(batch)
    assert batch["events"].dtype == batch["events_valid"].dtype == torch.float32
    assert batch["events_mask"].tolist() == [1.0, 1.0]


def test_batches_of_an_epoch_keep_to_the_budget_and_see_everybody(rows: Rows) -> None:
    batches = list(loader(rows, batch=16, tokens=150, shuffle=True))
    assert sum(len(batch["label"]) for batch in batches) == len(rows)
    assert max(batch["events"].shape[:2].numel() for batch in batches) < 1.6 * 150
    ordered = rows.take(by_length(rows))
    assert ordered.events is not None
    assert (np.diff(ordered.events.lengths) >= 0).all()
    found = torch.cat([batch["label"] for batch in loader(ordered, batch=16, tokens=150)])
    assert found.tolist() == ordered.label.tolist()


def test_records_can_be_taken_and_sequences_taken_away(rows: Rows) -> None:
    assert rows.modalities == ("tabular", "events")
    taken = rows.take(np.array([4, 2]))
    assert taken.events is not None
    assert rows.events is not None
    assert taken.events.lengths.tolist() == rows.events.lengths[[4, 2]].tolist()
    without = rows.without("events")
    assert without.modalities == ("tabular",)
    assert "tabular_mask" in raw_batch(without, np.array([0]))
    assert rows.only("events").modalities == ("events",)


def test_each_fold_is_fitted_on_its_own_training_part(source: Stage) -> None:
    split = {"method": "folds", "folds": 2, "repeats": 1}
    cohort = prepared_stays(source, split=split)
    stats = [read_part(cohort, fold, "train").stats for fold in cohort.facts["folds"]]
    assert stats[0].events != stats[1].events
    everyone = read_everyone(cohort, "refit")
    assert everyone.events is not None
    assert everyone.events.stats.text.fitted_texts > max(  # type: ignore[union-attr]
        own.events.text.fitted_texts
        for own in stats
        if own.events is not None  # type: ignore[union-attr]
    )


def test_time_as_sines_and_cosines(source: Stage) -> None:
    cohort = prepared_stays(
        source, events={"text": {"width": WIDTH, "min_documents": 2}, "time": "encoding"}
    )
    rows = read_part(cohort, "holdout", "train")
    assert rows.events is not None
    assert rows.events.stats.width == 5 + WIDTH + 16
    encode = TimeStats(kind="encoding").encode
    found = encode(np.array([0.0, 0.5], np.float32))
    assert np.allclose(found[0], [0.0] * 8 + [1.0] * 8)
    assert np.allclose(found[1, [0, 8]], [0, 1], atol=1e-6)  # a whole period of the shortest
    many = np.round(encode(np.linspace(0, 700, 900, dtype=np.float32)), 4)
    assert len(np.unique(many, axis=0)) == 900


def test_hours_after_the_prediction_are_mirrored() -> None:
    time = TimeStats(kind="scalar", mean=0.0, sd=1.0)
    found = time.encode(np.array([-3.0, 3.0], np.float32))[:, 0]
    assert found[0] == -found[1] == pytest.approx(-np.log(4))


def test_a_frozen_encoder_is_standardised_by_the_fold_and_must_be_the_cohorts(
    cohort: Stage,
) -> None:
    text = EncodedText(identity=IDENTITY, mean=(1.0, 2.0), sd=(2.0, 1.0))
    stats = EventStats(text=text, time=TimeStats(kind="scalar"))
    raw = np.array([[3.0, 2.0], [1.0, 0.0]], np.float32)
    assert text_vectors(pa.array(["a", "b"]), stats, raw).tolist() == [[1.0, 0.0], [0.0, -2.0]]
    with pytest.raises(ValueError, match="vectors are needed"):
        text_vectors(pa.array(["a"]), stats, None)
    with pytest.raises(InputError, match="reads events with 'reader', which this cohort was not"):
        check_encoder(cohort, text)


def test_tfidf_reads_on_which_side_of_its_range_a_result_lies(tmp_path: Path) -> None:
    table = write_stays(tmp_path) / "events.parquet"
    events = pd.read_parquet(table)
    lactate = events["event_text"].str.startswith("Lactate")
    high = np.random.default_rng(0).random(len(events)) < 0.5
    events.loc[lactate & high, "event_text"] = "Lactate 4.4 mmol/L (0.5–2.0)"
    events.loc[lactate & ~high, "event_text"] = "Lactate 1.4 mmol/L (0.5–2.0)"
    events.to_parquet(table, index=False)
    rows = read_part(prepared_stays(ingested_stays(tmp_path)), "holdout", "train")
    assert rows.events is not None
    number = {text: n for n, text in enumerate(rows.events.texts.to_pylist())}
    two = [number[f"Lactate {value} mmol/L (0.5–2.0)"] for value in (1.4, 4.4)]
    low, high_ = rows.events.vectors[two]
    assert np.abs(low - high_).max() > 0.5


def test_kinds_are_in_the_order_of_the_one_hot(rows: Rows, cohort: Stage) -> None:
    assert rows.events is not None
    flat = rows.events.events(np.arange(len(rows)))
    said: dict[str, Any] = {}
    for kind, text in zip(flat.kind, rows.events.texts_of(flat), strict=True):
        said.setdefault(EVENT_KINDS[kind], set()).add(text)
    assert "Norepinephrine infusion started" in said["prescription"]
    assert said["ingredient"] == {"Water 250 ml"}


def test_a_training_part_without_any_event_is_refused(rows: Rows) -> None:
    assert rows.events is not None
    none = rows.events.events(np.arange(3)).chosen(
        np.zeros(int(rows.events.lengths[:3].sum()), np.bool_)
    )
    with pytest.raises(InputError, match="names events, but no training record has one; bring"):
        fit_events(none, np.array(["a", "b", "c"], object), rows.events.texts, EventsConfig(), None)
