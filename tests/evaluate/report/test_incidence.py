"""The picture of cumulative incidence: curves, bands, numbers at risk."""

from __future__ import annotations

import re

import numpy as np

from components.evaluate.report.incidence import Group, incidence_plot


def groups() -> list[Group]:
    rng = np.random.default_rng(0)
    return [
        Group(name=name, time=np.ceil(rng.exponential(200, 40)), code=rng.integers(0, 3, 40) * 1.0)
        for name in ("low", "high")
    ]


def texts(svg: str) -> list[str]:
    return [found.strip() for found in re.findall(r"<!--(.*?)-->", svg)]


def test_the_numbers_at_risk_stand_below() -> None:
    made = groups()
    shown = texts(incidence_plot(made, 400.0))
    for group in made:
        for tick in (0, 100, 200, 300, 400):
            assert str(int((group.time >= tick).sum())) in shown
        assert shown.count(group.name) == 2  # legend and table
    assert "Still at risk" in shown


def test_the_same_groups_give_the_same_picture() -> None:
    assert incidence_plot(groups(), 400.0) == incidence_plot(groups(), 400.0)


def test_a_group_without_events_or_with_short_follow_up_is_drawn() -> None:
    bare = Group(name="none", time=np.array([50.0, 60.0]), code=np.array([0.0, 0.0]))
    assert "none" in texts(incidence_plot([bare], 400.0))
