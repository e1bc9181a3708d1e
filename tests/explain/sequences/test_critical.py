"""Critical windows of the stays, and which events fill them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.config.explain import ExplainConfig
from components.explain.sequences.by_risk import ALL
from components.explain.sequences.critical import critical_windows
from components.explain.sequences.gathered import Sequences, Stay
from components.explain.sequences.single import MOST, thinned

CONFIG = ExplainConfig(window_hours=6, critical_share=0.5)


def told_of(stay: Stay, values: list[float], hours: list[float], texts: list[str]) -> Stay:
    events = replace(
        stay.events, hours=np.array(hours), texts=tuple(texts),
        kind=np.array([0, 2][: len(hours)], np.int8), values={"ig": np.array(values)},
    )  # fmt: skip
    return replace(stay, events=events)


def planted(own: Sequences) -> Sequences:
    """Return stays whose magnitude lies at 8 hours, three quarters of it."""
    stays = tuple(
        told_of(stay, [3.0, -1.0], [8.0, 1.0], ["drug given", "lab taken"]) for stay in own.stays
    )
    return replace(own, stays=stays, known=frozenset({"drug", "given"}))


def test_the_window_that_holds_most_is_found_with_what_fills_it(own: Sequences) -> None:
    found = critical_windows(planted(own), CONFIG)
    assert [each.words for each in found.windows] == ["6–12 h"]
    assert found.told.found[0][ALL].interval.value == pytest.approx(0.75)
    assert found.told.table.rows[0][0] == "6–12 h · prescription 100%; “drug given”"


def test_words_of_few_patients_are_left_out(own: Sequences) -> None:
    found = critical_windows(replace(planted(own), known=frozenset({"drug"})), CONFIG)
    assert "“drug …”" in found.told.table.rows[0][0]


def test_texts_of_few_patients_are_not_named(own: Sequences) -> None:
    few = planted(own)
    alone = tuple(
        told_of(stay, [3.0, -1.0], [8.0, 1.0], [f"drug {k}", "lab"])
        for k, stay in enumerate(few.stays)
    )
    found = critical_windows(replace(few, stays=alone), CONFIG)
    assert found.told.table.rows[0][0] == "6–12 h · prescription 100%"


def test_where_none_is_critical_it_is_said(own: Sequences) -> None:
    found = critical_windows(planted(own), CONFIG.model_copy(update={"critical_share": 0.8}))
    assert found.windows == ()
    assert not found.told.table.rows
    assert "No window of 6 h holds 80%" in found.none


def test_long_stays_are_drawn_as_sums_over_time() -> None:
    rng = np.random.default_rng(0)
    hours, values = rng.uniform(0, 300, 1500), rng.normal(size=1500)
    x, y = thinned(hours, values, 1500)
    assert len(x) <= MOST
    assert y.sum() == pytest.approx(values.sum())
    few, same = thinned(hours[:10], values[:10], 10)
    np.testing.assert_allclose(same, values[:10])
    np.testing.assert_allclose(few, np.log1p(hours[:10]))
