"""Attributions made by hand, inside and outside of the planted places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from components.core.attribution.groups import Grouped
from components.core.metrics.resampling import Plan
from components.core.store import Stage
from components.explain.lots import tiles_of
from components.explain.method import Attributed
from components.explain.planted_media.marks import PLACES, Marks, boxes_of, marks_of
from components.explain.planted_media.shares import Told, shares
from components.explain.subject import Subject
from tests.explain.planted_media.planted_toy import TRUTH, facts, paper, subject

PLAN = Plan(draws=100)


@pytest.fixture
def places(cohort: Callable[..., Stage]) -> tuple[Subject, Marks]:
    own = subject(cohort)
    return own, marks_of(own, facts(own), TRUTH)


def blocks(marks: Marks, place: str, make: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the attributions that `make` gives to the shares of every record's blocks."""
    own = marks.spots[place]
    shape = next(each.blocks.shape for each in own if each is not None)
    none = np.full(shape, np.nan)
    values = [none if each is None else make(each.blocks.astype(np.float64)) for each in own]
    return np.stack(values).astype(np.float32)


def inside(own: np.ndarray) -> np.ndarray:
    # Of either sign: magnitudes count.
    return np.where(own == 1, np.where(np.arange(own.shape[-1]) % 2 == 0, 2.0, -1.0), 0.0)


def outside(own: np.ndarray) -> np.ndarray:
    return np.where(own == 0, -3.0, 0.0)


def measured(marks: Marks, place: str, values: np.ndarray) -> np.ndarray:
    modality, _ = PLACES[place]
    said = Attributed(grouped={}, values={modality: values})
    return marks.measure(np.arange(len(values)), said)[place]


@pytest.mark.parametrize("place", ["page", "murmur"])
def test_what_lies_wholly_inside_has_a_share_of_one(
    places: tuple[Subject, Marks], place: str
) -> None:
    own, marks = places
    found = measured(marks, place, blocks(marks, place, inside))
    there = own.rows.arrays[PLACES[place][0]].there
    assert (found[there, 1] > 0).all()
    assert not found[~there].any()
    np.testing.assert_array_equal(found[:, 0], found[:, 1])


@pytest.mark.parametrize("place", list(PLACES))
def test_what_lies_wholly_outside_has_a_share_of_zero(
    places: tuple[Subject, Marks], place: str
) -> None:
    own, marks = places
    found = measured(marks, place, blocks(marks, place, outside))
    there = own.rows.arrays[PLACES[place][0]].there
    assert (found[there, 1] > 0).all()
    assert not found[:, 0].any()


def test_a_turned_page_is_followed(places: tuple[Subject, Marks]) -> None:
    """The same place on paper is another in the array; on the wrong page it is missed."""
    own, _ = places
    straight = [replace(f, paper=paper(3.0, 0.0)) if f.paper else f for f in facts(own)]
    turned = [replace(f, paper=paper(4.0, 30.0)) if f.paper else f for f in facts(own)]
    lie, other = marks_of(own, straight, TRUTH), marks_of(own, turned, TRUTH)
    values = blocks(other, "page", inside)
    followed = measured(other, "page", values)
    missed = measured(lie, "page", values)
    assert followed[:, 0].sum() == followed[:, 1].sum()
    assert missed[:, 0].sum() < 0.8 * missed[:, 1].sum()


def test_spread_evenly_the_share_is_that_of_the_area(places: tuple[Subject, Marks]) -> None:
    own, marks = places
    within = np.stack(
        [np.full((1, 24, 36), np.nan) if f.paper is None else f.paper.within[None]
         for f in marks.facts]
    )  # fmt: skip
    found = measured(marks, "page", within.astype(np.float32))
    np.testing.assert_allclose(found[:, 0], found[:, 2], rtol=1e-3)
    there = own.rows.arrays["ecg_image"].there
    # Both boxes take 24 % of a page; the first record shows one of them alone.
    np.testing.assert_allclose(found[there][1:, 2] / found[there][1:, 1], 0.24, atol=0.01)
    first = int(np.flatnonzero(there)[0])
    if first == 0:
        assert found[0, 2] / found[0, 1] == pytest.approx(0.12, abs=0.01)


def test_a_lead_without_a_trace_is_no_place(places: tuple[Subject, Marks]) -> None:
    own, _ = places
    without = [replace(f, silent=("V3",)) for f in facts(own)]
    other = marks_of(own, without, TRUTH)
    full = marks_of(own, [replace(f, silent=()) for f in facts(own)], TRUTH)
    pairs = zip(other.spots["page"], full.spots["page"], strict=True)
    halves = [a.even / b.even for a, b in pairs if a is not None and b is not None]
    np.testing.assert_allclose(halves, 0.5, atol=0.03)
    assert list(boxes_of(TRUTH)) == ["V3", "V4"]


def test_tiles_are_spread_over_their_own_area(places: tuple[Subject, Marks]) -> None:
    own, marks = places
    tiles = tiles_of(own)
    grouped = {
        kind: Grouped(
            kind=kind, names=tiles[kind].names,
            values=np.full((len(own), len(tiles[kind].names)), -2.0),
        )
        for kind in ("region", "patch")
    }  # fmt: skip
    found = marks.measure(np.arange(len(own)), Attributed(grouped=grouped))
    spot = next(each for each in marks.spots["page"] if each is not None)
    row = next(k for k, each in enumerate(marks.spots["page"]) if each is not None)
    assert found["page"][row, 0] == pytest.approx(2 * spot.tiles.sum())
    assert found["page"][row, 1] == pytest.approx(2 * len(tiles["region"].names))
    assert set(found) == set(PLACES)


def test_a_method_without_maps_and_tiles_tells_nothing(places: tuple[Subject, Marks]) -> None:
    _, marks = places
    assert marks.measure(np.arange(2), Attributed(grouped={})) == {}


def test_without_knowing_how_sounds_were_made_the_page_alone_is_marked(
    places: tuple[Subject, Marks],
) -> None:
    own, _ = places
    found = marks_of(replace(own, sound=None), facts(own), TRUTH)
    assert set(found.spots) == {"page"}
    values = {"pcg": np.zeros((len(own), 3, 8, 20), np.float32)}
    assert found.measure(np.arange(len(own)), Attributed(grouped={}, values=values)) == {}


def test_shares_ratios_and_networks_are_those_that_were_made() -> None:
    patients = np.array([f"p{k}" for k in range(12)], object)
    total = np.linspace(1, 2, 12)

    def sums(share: float) -> np.ndarray:
        return np.stack([share * total, total, 0.2 * total], axis=1)

    told = Told(
        own={"page": sums(0.6)}, patients=patients,
        checked={"page": sums(0.5)[:5]},
        drawn=[{"page": sums(0.25)[:5]}, {"page": 0 * sums(1)[:5]}],
        drawn_patients=patients[:5], taught=[{"page": sums(0.4)}],
    )  # fmt: skip
    found = shares(told, PLAN)["page"]
    assert found.share.value == pytest.approx(0.6)
    assert found.even.value == pytest.approx(0.2)
    assert found.over_even.value == pytest.approx(3.0)
    assert found.records == 12
    assert found.drawn is not None
    assert found.drawn.ratio is not None
    assert found.drawn.ratio.value == pytest.approx(2.0)
    assert found.drawn.blind == 1
    assert found.taught is not None
    assert found.taught.ratio is not None
    assert found.taught.ratio.value == pytest.approx(1.5)
    alone = shares(replace(told, drawn=[], taught=[]), PLAN)["page"]
    assert alone.drawn is None
    assert alone.taught is None
