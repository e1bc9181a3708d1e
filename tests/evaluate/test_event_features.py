"""Counts and last values of event sequences: of one record, known by the prediction, by items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from components.core.data.cohort import Rows, read_part, rows_of
from components.core.data.event_shards import FlatEvents
from components.core.data.stored_events import EVENT_KINDS
from components.core.store import Stage
from components.evaluate import event_features
from components.evaluate.baselines import Features, design
from components.evaluate.event_features import EventNumbers, Summary, summarised
from components.evaluate.event_items import items_of
from tests.event_cohort import ingested_stays, prepared_stays, write_stays

HOUR = 3600
# Hours before the prediction, of becoming known, kind, text.
Told = tuple[float, float, str, str]
STAY: list[Told] = [
    (20, 20, "prescription", "Heparin 5000 UNIT"),
    (10, 9, "lab", "Lactate 4 mmol/L (0.5–2) abnormal"),
    (5, 4, "lab", "Potassium 4 mEq/L"),
    (3, 2, "lab", "Lactate 1 mmol/L"),
    (2, 2, "lab", "Lactate haemolysed mmol/L"),
]


def flat(stays: Sequence[Sequence[Told]], texts: list[str]) -> FlatEvents:
    told = [each for stay in stays for each in stay]
    return FlatEvents(
        seconds=np.array([round(own[0] * HOUR) for own in told], np.int32),
        known_seconds=np.array([round(own[1] * HOUR) for own in told], np.int32),
        kind=np.array([EVENT_KINDS.index(own[2]) for own in told], np.int8),
        text=np.array([texts.index(own[3]) for own in told], np.int32),
        offsets=np.cumsum([0, *map(len, stays)]),
    )


def summaries(*stays: Sequence[Told]) -> tuple[list[Summary], Any]:
    texts = list(dict.fromkeys(own[3] for stay in stays for own in stay))
    items = items_of(pa.array(texts, pa.string()))
    return list(summarised(flat(stays, texts), items)), items


def by_name(own: Summary, items: Any) -> pd.DataFrame:
    kinds = len(EVENT_KINDS)
    names = [f"{EVENT_KINDS[key % kinds]}: {items.names[key // kinds]}" for key in own.key]
    return pd.DataFrame(own.numbers, index=pd.Index(names)).sort_index()


def test_a_stay_is_counts_last_numbers_and_hours() -> None:
    (own,), items = summaries(STAY)
    found = by_name(own, items)
    lactate = np.log1p([2, 1, 3])  # counted, last number, hours since it was last there
    np.testing.assert_allclose(found.loc["lab: lactate mmol/l"], lactate, rtol=1e-6)
    count, number, hours = found.loc["lab: lactate haemolysed mmol/l"].tolist()
    assert np.isnan(number)
    np.testing.assert_allclose([count, hours], np.log1p([1, 2]), rtol=1e-6)
    whole = [*np.log1p([1, 0, 4, 0, 0, 1]), 0.25, *np.log1p([20, 2])]
    np.testing.assert_allclose(own.whole, whole, rtol=1e-6)


def test_the_order_in_which_events_are_stored_does_not_matter() -> None:
    (one, other), items = summaries(STAY, STAY[::-1])
    pd.testing.assert_frame_equal(by_name(one, items), by_name(other, items))
    np.testing.assert_array_equal(one.whole, other.whole)


def test_what_is_later_or_unknown_at_the_prediction_does_not_enter() -> None:
    late: list[Told] = [
        (-1, -2, "lab", "Lactate 30 mmol/L"),  # happens later
        (1, -1, "lab", "Potassium 9 mEq/L"),  # is stored later
    ]
    (own, same), items = summaries(STAY, [*STAY, *late])
    pd.testing.assert_frame_equal(by_name(own, items), by_name(same, items))
    np.testing.assert_array_equal(own.whole, same.whole)


def test_a_stay_does_not_depend_on_others() -> None:
    (alone,), items = summaries(STAY)
    (_, own, empty), both = summaries([(1, 1, "lab", "Lactate 99 mmol/L")], STAY, [])
    pd.testing.assert_frame_equal(by_name(own, both), by_name(alone, items))
    np.testing.assert_array_equal(own.whole, alone.whole)
    assert not len(empty.key)
    np.testing.assert_array_equal(empty.whole, [0] * 6 + [np.nan] * 3)


def test_events_of_nobody_are_summed_up() -> None:
    assert summaries([])[0][0].whole[0] == 0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("stays")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        return prepared_stays(ingested_stays(write_stays(folder, stays=60)))


def parts(cohort: Stage) -> tuple[list[Rows], Rows]:
    (fold,) = cohort.facts["folds"]
    return [read_part(cohort, fold, p) for p in ("train", "val")], rows_of(cohort, fold, "test")


def test_items_are_chosen_on_the_seen_rows_alone(
    cohort: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, test = parts(cohort)
    own = EventNumbers()
    own.numbers(test, ())  # what was looked at before does not count
    items = own.chosen(seen)
    assert ("lab", "lactate mmol/l") in [(EVENT_KINDS[kind], name) for kind, name in items]
    assert items == EventNumbers().chosen(seen)
    few = np.flatnonzero(seen[0].frame["patient_id"].isin(seen[0].frame["patient_id"][:4]))
    assert EventNumbers().chosen([seen[0].take(few)]) == ()  # fewer than five patients
    monkeypatch.setattr(event_features, "MOST_ITEMS", 3)
    assert own.chosen(seen) == items[:3]


def test_items_are_ranked_by_patients_not_by_events(cohort: Stage) -> None:
    seen, _ = parts(cohort)
    rows = seen[0]
    assert rows.events is not None
    had: dict[tuple[int, str], set[str]] = {}
    names = items_of(rows.events.texts)
    for i, patient in enumerate(rows.frame["patient_id"]):
        events = rows.events.events(np.array([i]))
        for kind, text in zip(events.kind.tolist(), events.text.tolist(), strict=True):
            had.setdefault((kind, names.names[names.item[text]]), set()).add(patient)
    often = {name: len(who) for name, who in had.items() if len(who) >= 5}
    assert list(EventNumbers().chosen([rows])) == sorted(often, key=lambda n: (-often[n], n))


def test_the_numbers_of_a_record_are_its_own(cohort: Stage) -> None:
    seen, test = parts(cohort)
    items = EventNumbers().chosen(seen)
    whole = EventNumbers().numbers(test, items)
    assert whole.shape == (len(test), 9 + 3 * len(items))
    for place in (0, len(test) - 1):
        alone = EventNumbers().numbers(test.take(np.array([place])), items)
        np.testing.assert_array_equal(alone[0], whole[place])


def test_they_enter_the_simple_models(cohort: Stage) -> None:
    seen, test = parts(cohort)
    x, asked = design(seen, test, Features(500))
    items = EventNumbers().chosen(seen)
    tabular = seen[0].tabular.shape[1]
    assert x.shape[1] == asked.shape[1] == tabular + 9 + 3 * len(items)
    np.testing.assert_array_equal(asked[:, tabular:], EventNumbers().numbers(test, items))
    plain = [rows.without("events") for rows in (*seen, test)]
    assert design(plain[:2], plain[2], Features(500))[0].shape[1] == tabular


def test_an_item_that_another_cohort_never_had_is_absent(cohort: Stage) -> None:
    _, test = parts(cohort)
    found = EventNumbers().numbers(test, [(0, "an unheard-of drug")])
    assert (found[:, 9] == 0).all()
    assert np.isnan(found[:, 10:]).all()


def test_another_cohorts_events_are_not_mixed_in(cohort: Stage) -> None:
    _, test = parts(cohort)
    assert test.events is not None
    own = EventNumbers()
    own.numbers(test, ())
    other = replace(test, events=replace(test.events, texts=pa.array(["Water 1 ml"] * 99)))
    with pytest.raises(ValueError, match="another cohort's events are kept"):
        own.numbers(other, ())
    with pytest.raises(ValueError, match="no sequence has been read"):
        EventNumbers()._columns(())


def test_labels_and_other_patients_change_no_number(cohort: Stage) -> None:
    seen, test = parts(cohort)
    changed = replace(test, frame=test.frame.assign(label=1 - test.frame["label"]))
    items = EventNumbers().chosen(seen)
    pd.testing.assert_frame_equal(
        pd.DataFrame(EventNumbers().numbers(test, items)),
        pd.DataFrame(EventNumbers().numbers(changed, items)),
    )
