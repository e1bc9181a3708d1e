"""CTRCD, its time and the label follow the definition."""

from __future__ import annotations

import numpy as np
import pytest

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import Outcomes, lvef_threshold, simulate


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return simulate(draw_reference(20_000), Mechanism(), stream(3, "course"))


@pytest.mark.parametrize(
    ("baseline", "highest"),
    [
        (65.0, 49.0),  # moderate: any 40-49 % is a fall of at least 10
        (59.0, 49.0),
        (56.0, 46.0),  # moderate needs the 10 points
        (50.0, 40.0),
        (48.0, 39.0),  # only the severe grade is left
    ],
)
def test_threshold_is_the_definition_of_moderate_or_severe(baseline: float, highest: float) -> None:
    assert lvef_threshold(np.array([baseline]))[0] == highest


def test_event_is_the_first_visit_at_or_below_the_threshold(outcomes: Outcomes) -> None:
    limit = lvef_threshold(draw_reference(20_000).lvef_baseline)
    for row in np.flatnonzero(~np.isnan(outcomes.event_day))[:300]:
        hit = outcomes.lvef[row] <= limit[row]
        assert outcomes.event_day[row] == outcomes.visit_days[row][hit].min()


def test_label_is_empty_exactly_when_undetermined(outcomes: Outcomes) -> None:
    short = outcomes.followup_days < 365
    event = outcomes.event_day <= 365
    died = ~np.isnan(outcomes.death_day)
    assert np.array_equal(np.isnan(outcomes.label), short & ~event & ~died)
    assert (outcomes.label[event] == 1).all()
    assert (outcomes.label[short & died & ~event] == 0).all()


def test_late_event_is_a_non_event_at_the_horizon(outcomes: Outcomes) -> None:
    late = outcomes.event_day > 365
    assert late.sum() > 50
    assert (outcomes.label[late] == 0).all()


def test_observed_label_never_contradicts_the_uncensored_one(outcomes: Outcomes) -> None:
    known = ~np.isnan(outcomes.label)
    assert np.array_equal(outcomes.label[known], outcomes.label_uncensored[known])


def test_nobody_has_an_event_or_visit_after_death(outcomes: Outcomes) -> None:
    both = ~np.isnan(outcomes.death_day) & ~np.isnan(outcomes.event_day)
    assert both.sum() > 5
    assert (outcomes.event_day[both] <= outcomes.death_day[both]).all()
    died = ~np.isnan(outcomes.death_day)
    assert np.array_equal(outcomes.followup_days[died], outcomes.death_day[died])


def test_rates_are_those_documented(outcomes: Outcomes) -> None:
    assert 0.10 < outcomes.label_uncensored.mean() < 0.15
    assert 0.05 < np.isnan(outcomes.label).mean() < 0.08
    assert np.nansum(outcomes.label) / 20_000 * 3_000 > 200
