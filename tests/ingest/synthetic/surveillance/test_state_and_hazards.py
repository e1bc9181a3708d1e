"""Who comes back, with which LVEF, and what happens to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from components.ingest.synthetic.block import draw
from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.hazards import (
    CATEGORIES,
    draw_future,
    hazards,
    incidence,
)
from components.ingest.synthetic.surveillance.state import ECG_DAYS, presence
from components.ingest.synthetic.surveillance.visit import Surveyed
from components.ingest.synthetic.trajectory import ECHO_SD, draw_fall, simulate


def test_patients_and_their_course_are_those_of_the_therapy_part(blocks: list[Surveyed]) -> None:
    therapy = draw(SyntheticOptions(), 3)
    np.testing.assert_array_equal(therapy.cohort.age, blocks[3].drawn.cohort.age)
    np.testing.assert_array_equal(therapy.outcomes.lvef, blocks[3].drawn.outcomes.lvef)
    assert not np.array_equal(therapy.scores, blocks[3].drawn.scores)


def test_the_fall_drawn_again_is_the_one_that_the_echoes_measured() -> None:
    people = draw_reference(20_000)
    seen = simulate(people, Mechanism(), stream(2, "course"))
    fall = draw_fall(people, Mechanism(), stream(2, "course"))
    np.testing.assert_array_equal(fall.visit_days, seen.visit_days)
    error = seen.lvef - (people.lvef_baseline[:, None] - fall.lost(fall.visit_days))
    assert error.mean() == pytest.approx(0.0, abs=0.03)
    # Rounding to whole per cent adds a twelfth.
    assert error.std() == pytest.approx(np.sqrt(ECHO_SD**2 + 1 / 12), abs=0.02)


def test_nobody_returns_who_is_dead_or_lost(blocks: list[Surveyed]) -> None:
    returned = []
    for each in blocks:
        outcomes, state = each.drawn.outcomes, each.state
        assert not (outcomes.death_day[state.returns] <= state.day[state.returns]).any()
        assert (state.day >= ECG_DAYS[0]).all()
        assert (state.day < ECG_DAYS[1] + 2).all()
        returned.append(state.returns.mean())
    assert 0.88 < np.mean(returned) < 0.97


def test_chance_to_be_there_is_that_of_the_simulation() -> None:
    people = draw_reference(40_000)
    expected = presence(people)
    days = stream(1, "day").uniform(*ECG_DAYS, people.size)
    alive = stream(1, "death").exponential(1.0, people.size) / people.death_hazard > days
    assert alive.mean() == pytest.approx(expected.mean(), abs=0.005)


def test_lower_lvef_has_the_higher_burden(blocks: list[Surveyed]) -> None:
    state = blocks[0].state
    assert np.corrcoef(state.lvef, state.burden)[0, 1] == pytest.approx(-1.0)
    assert 0.85 < np.std(state.burden) < 1.15


def test_incidence_is_the_integral_of_the_hazards() -> None:
    a, b = 0.002, 0.0007
    expected, _ = quad(lambda t: a * np.exp(-(a + b) * t), 0, 182)
    assert incidence((np.array([a]), np.array([b])), 182.0)[0] == pytest.approx(expected)


def test_hazards_rise_with_the_burden() -> None:
    people = draw_reference(50)
    for low, high in zip(hazards(people, np.full(50, 45.0)), hazards(people, np.full(50, 60.0)),
                         strict=True):  # fmt: skip
        assert (low > high).all()


def test_death_competes_and_categories_follow_the_risk(blocks: list[Surveyed]) -> None:
    future = blocks[0].future
    finite = np.isfinite(future.event)
    assert (future.event[finite] <= future.death[finite]).all()
    assert 0 < finite.mean() < 1
    lvef = [blocks[0].state.lvef[future.category == place].mean() for place in range(3)]
    assert lvef == sorted(lvef, reverse=True)


def test_shares_of_the_categories_and_errors_of_the_annotator() -> None:
    people = draw_reference(40_000)
    lvef = 58.5 + 8.25 * stream(1, "lvef").standard_normal(people.size)
    future = draw_future(people, lvef, np.full(people.size, 1000.0), stream(1, "future"))
    shares = np.bincount(future.category) / people.size
    np.testing.assert_allclose(shares, (0.55, 0.30, 0.15), atol=0.02)
    moved = future.category != future.annotated
    assert moved.mean() == pytest.approx(0.10, abs=0.006)
    assert np.abs(future.category - future.annotated).max() == 1
    assert len(CATEGORIES) == len(shares)
