"""Event sequences in preprocess: own shards, one table of texts, comfort care, encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data.cohort import read_part
from components.core.data.event_input import FILE, read_events
from components.core.data.event_shards import read_texts
from components.core.data.stored_events import stored_events
from components.core.errors import InputError
from components.core.store import Stage
from components.preprocess import texts as texts_module
from tests.chain import manifest_of
from tests.event_cohort import ingested_stays, prepared_stays, write_stays

SMALL: dict[str, Any] = {"text": {"width": 4, "min_documents": 2}}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_stays(tmp_path_factory.mktemp("raw"))
    table = pd.read_parquet(folder / "events.parquet")
    own = table["stay_id"].isin(["s0003", "s0007"])
    more = table[own].groupby("stay_id").head(2).assign(event_text="Comfort Measures Only")
    alone = table["stay_id"] == "s0009"
    table.loc[alone, "event_text"] = "DNR"
    pd.concat([table, more]).to_parquet(folder / "events.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def source(raw: Path) -> Stage:
    return ingested_stays(raw)


@pytest.fixture(scope="module")
def cohort(source: Stage) -> Stage:
    return prepared_stays(source, events=SMALL)


def _told(stage: Stage) -> dict[str, list[tuple[int, int, int, str]]]:
    """Return record → its events as preprocess keeps them."""
    frame, texts = manifest_of(stage), read_texts(stage.folder).to_pylist()
    flat = read_events(stage.folder, frame).read(np.arange(len(frame)))
    said = [texts[number] for number in flat.text]
    found = list(zip(flat.seconds.tolist(), flat.known_seconds.tolist(), flat.kind.tolist(), said,
                     strict=True))  # fmt: skip
    bounds = zip(flat.offsets[:-1], flat.offsets[1:], strict=True)
    return {name: found[a:b] for name, (a, b) in zip(frame["sample_id"], bounds, strict=True)}


def _ingested(stage: Stage) -> dict[str, list[tuple[int, int, int, str]]]:
    frame = manifest_of(stage)
    (file,) = (stage.folder / "shards" / "events").glob("*.h5")
    held = list(stored_events(file))
    return {
        str(name): list(zip(own.seconds.tolist(), own.known_seconds.tolist(), own.kind.tolist(),
                            own.text.to_pylist(), strict=True))
        for name, own in zip(
            frame["sample_id"], [held[row] for row in frame["shard_row.events"]], strict=True
        )
    }  # fmt: skip


def test_events_are_those_of_ingest_but_for_comfort_care(source: Stage, cohort: Stage) -> None:
    limits = ("Comfort Measures Only", "DNR")
    expected = {
        name: [event for event in events if event[3] not in limits]
        for name, events in _ingested(source).items()
    }
    assert _told(cohort) == expected
    assert expected["s0009"] == []
    counts = cohort.counts
    assert counts["comfort_care_records"] == 3
    assert counts["clinical_events"] == sum(map(len, expected.values()))
    assert (
        counts["comfort_care_events"]
        == sum(map(len, _ingested(source).values())) - counts["clinical_events"]
    )
    frame = manifest_of(cohort).set_index("sample_id")
    assert frame["event_count"].to_dict() == {name: len(own) for name, own in expected.items()}


def test_comfort_care_stays_where_it_is_asked_for(source: Stage) -> None:
    kept = prepared_stays(source, events={**SMALL, "comfort_care": "keep"})
    assert _told(kept) == _ingested(source)
    assert kept.counts["comfort_care_records"] == 3


def test_who_had_orders_of_comfort_care_is_kept_for_the_audit(cohort: Stage) -> None:
    held = manifest_of(cohort).set_index("sample_id")["comfort_care_count"]
    assert held[held > 0].drop("s0009").to_dict() == {"s0003": 2, "s0007": 2}
    assert held.sum() == cohort.counts["comfort_care_events"]
    assert cohort.facts["comfort_care"] == {"comfort measures": 2, "DNR or DNI": 1}
    assert manifest_of(cohort)["stay_end_days"].isna().all()


def test_a_record_without_events_is_masked(cohort: Stage) -> None:
    from components.core.data.batches import raw_batch

    for part in ("train", "val"):
        rows = read_part(cohort, "holdout", part)
        assert rows.events is not None
        empty = np.flatnonzero(rows.events.lengths == 0)
        if len(empty):
            batch = raw_batch(rows, np.array([int(empty[0]), int(rows.events.lengths.argmax())]))
            assert batch["events_mask"].tolist() == [0.0, 1.0]
            assert not batch["events"][0].any()
            return
    pytest.fail("the record without events is in the test part; choose another seed")


def test_facts_say_how_events_are_read(cohort: Stage) -> None:
    assert cohort.facts["modalities"] == ["tabular", "events"]
    assert cohort.facts["events"]["text"]["width"] == 4
    assert cohort.counts["distinct_event_texts"] == len(read_texts(cohort.folder))


def test_events_must_be_there_and_be_asked_for(source: Stage, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"of events, of which .* takes nothing in; name"):
        prepared_stays(ingested_stays(write_stays(tmp_path, stays=12), {"tabular": {}}),
                       modalities=["tabular"])  # fmt: skip
    from tests.chain import TABULAR_OPTIONS, ingest_config, ingested, write_tabular_cohort

    table = write_tabular_cohort(tmp_path)
    plain = ingested(ingest_config("table", table, TABULAR_OPTIONS))
    with pytest.raises(InputError, match="none of 120 records has the event sequence, which"):
        prepared_stays(plain)


def test_sequences_alone_are_enough(source: Stage) -> None:
    cohort = prepared_stays(source, modalities=["events"], events=SMALL)
    assert cohort.facts["modalities"] == ["events"]
    assert read_part(cohort, "holdout", "val").modalities == ("events",)


def test_a_frozen_encoder_reads_each_text_once(
    source: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from components.core.text import huggingface
    from components.core.text.identity import EncoderIdentity

    asked: list[str] = []

    class Reader:
        identity = EncoderIdentity(
            model="reader", revision="1", pooling="mean", max_tokens=8, overlap=0, width=3
        )

        def encode(self, texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return np.array([[len(t), t.count("a"), 1.0] for t in texts], np.float32)

    monkeypatch.setattr(huggingface, "load_encoder", lambda config: Reader())
    monkeypatch.setattr(texts_module, "data_root", lambda: tmp_path)
    events = {"text": {"encoder": "huggingface", "model": "reader"}}
    cohort = prepared_stays(source, events=events)
    assert len(asked) == len(set(asked)) == cohort.counts["distinct_event_texts"]
    assert np.load(cohort.folder / FILE).shape == (len(asked), 3)
    rows = read_part(cohort, "holdout", "train")
    assert rows.events is not None
    assert rows.events.stats.width == 5 + 3 + 1
    seen = np.unique(rows.events.events(np.arange(len(rows))).text)
    vectors = rows.events.vectors[seen]
    assert np.allclose(vectors[:, :2].mean(axis=0), 0, atol=1e-5)
    assert np.allclose(vectors[:, :2].std(axis=0), 1, atol=1e-5)
    assert not vectors[:, 2].any()  # constant
