"""Each disturbance of event sequences by itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from components.core.config.base import validate
from components.core.config.evaluate import RobustnessConfig
from components.core.data.event_shards import COLUMNS, FlatEvents
from components.core.data.stored_events import EVENT_KINDS
from components.core.errors import ConfigError
from components.evaluate.robustness.sequences import (
    Held,
    Sequences,
    disturbances,
    lost,
    shifted,
    within,
    without,
)

HOUR = 3600
IDS = ("s1", "s2", "s3")


def sequences(seed: int = 0, records: tuple[int, ...] = (0, 1, 2), size: int = 400) -> Sequences:
    """Return records of unlike sequences, the last one empty; two events share each time."""
    parts = [np.sort(np.random.default_rng(i).integers(0, 48 * HOUR, size // 2))[::-1].repeat(2)
             for i in (0, 1)]  # fmt: skip
    parts.append(np.zeros(0, np.int64))
    seconds = np.concatenate([parts[i] for i in records]).astype(np.int32)
    place = np.arange(len(seconds))
    return Sequences(
        ids=tuple(IDS[i] for i in records),
        events=FlatEvents(
            seconds=seconds, known_seconds=np.maximum(seconds - 60, 0),
            kind=(place % 5).astype(np.int8), text=place.astype(np.int32),
            offsets=np.cumsum([0, *(len(parts[i]) for i in records)]),
        ),
        seed=seed,
    )  # fmt: skip


def rows(events: FlatEvents, record: int) -> list[tuple[int, ...]]:
    own = events.of_records(np.array([record]))
    return list(zip(*(getattr(own, name).tolist() for name in COLUMNS), strict=True))


def test_events_are_lost_at_random_and_more_of_them_hold_the_fewer() -> None:
    own = sequences()
    half, tenth = lost(0.5)(own), lost(0.1)(own)
    assert 0.4 < len(half.seconds) / len(own.events.seconds) < 0.6
    assert 0.85 < len(tenth.seconds) / len(own.events.seconds) < 0.95
    assert set(half.text) < set(tenth.text) < set(own.events.text)
    assert len(half.lengths) == 3
    assert set(lost(0.5)(sequences(seed=1)).text) != set(half.text)


@pytest.mark.parametrize("change", [lost(0.3), shifted(2.0)])
def test_a_records_draws_are_its_own(change: Callable[[Sequences], FlatEvents]) -> None:
    whole, alone = change(sequences()), change(sequences(records=(1,)))
    shift = 400  # `text` counts on over the records
    expected = [(*row[:3], row[3] + shift) for row in rows(alone, 0)]
    got = rows(whole, 1)
    assert [row[0] for row in got] == [row[0] for row in expected]
    assert [row[3] for row in got] == [row[3] for row in expected]


def test_shifted_times_stay_before_the_prediction_in_order_and_together() -> None:
    own = sequences()
    found = shifted(1.0)(own)
    np.testing.assert_array_equal(found.offsets, own.events.offsets)
    for record in (0, 1):
        seconds = [row[0] for row in rows(found, record)]
        assert seconds == sorted(seconds, reverse=True)
    assert found.seconds.min() >= 0
    assert (found.known_seconds <= found.seconds).all()
    before = dict(zip(own.events.text.tolist(), own.events.seconds.tolist(), strict=True))
    moved = dict(zip(found.text.tolist(), found.seconds.tolist(), strict=True))
    assert all(moved[i] == moved[i + 1] for i in range(0, 800, 2))  # one time, one shift
    by = np.array([moved[i] - before[i] for i in range(800) if moved[i] > 0])
    assert 0.8 * HOUR < by.std() < 1.2 * HOUR
    assert sorted(moved) == sorted(before)


def test_a_window_keeps_what_lies_in_it() -> None:
    own = sequences()
    stale, recent = within(6, np.inf)(own), within(0, 6)(own)
    assert stale.seconds.min() >= 6 * HOUR
    assert recent.seconds.max() < 6 * HOUR
    assert len(stale.seconds) + len(recent.seconds) == len(own.events.seconds)


def test_a_kind_is_left_out() -> None:
    found = without("lab")(sequences())
    assert set(found.kind.tolist()) == {0, 1, 3, 4}
    assert len(found.seconds) == 640


def test_what_is_asked_for_is_tried() -> None:
    keys = [each.condition.key for each in disturbances(RobustnessConfig())]
    assert keys == [
        "lost_10", "lost_30", "lost_50", "shifted_1h", "shifted_4h", "stale_2h", "stale_6h",
        "recent_24h", "recent_6h", *(f"no_{kind}" for kind in EVENT_KINDS),
    ]  # fmt: skip
    none = RobustnessConfig(
        drop_events=(), shift_hours=(), stale_hours=(), recent_hours=(), kinds=False
    )
    assert disturbances(none) == []
    for bad in ({"drop_events": [1.0]}, {"shift_hours": [0.0]}):
        with pytest.raises(ConfigError, match=next(iter(bad))):
            validate(RobustnessConfig, bad, where="robustness")


def test_held_events_are_read_by_record() -> None:
    own = sequences().events
    held = Held(own)
    assert held.lengths.tolist() == [400, 400, 0]
    found = held.read(np.array([2, 1]))
    assert found.lengths.tolist() == [0, 400]
    np.testing.assert_array_equal(found.seconds, own.seconds[400:])
