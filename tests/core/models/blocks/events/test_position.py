"""Positions: the published formula at every place, whatever came before."""

from __future__ import annotations

import math

import pytest
import torch

from components.core.models.blocks.events.position import Positions


def added(positions: Positions, length: int) -> torch.Tensor:
    return positions(torch.zeros(1, length, positions.width))[0]


@pytest.mark.parametrize("place", [0, 1, 17, 29_999])
def test_places_are_sines_and_cosines(place: int) -> None:
    own = added(Positions(6), 30_000)[place]
    expected = [
        turn(place / 10_000 ** (2 * i / 6)) for i in range(3) for turn in (math.sin, math.cos)
    ]
    torch.testing.assert_close(own, torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_table_grows_and_places_stay_as_they_were() -> None:
    positions = Positions(4)
    short = added(positions, 5)
    assert len(positions.table) == 5
    long = added(positions, 6)
    assert len(positions.table) == 10  # at least doubled
    assert torch.equal(long[:5], short)
    assert torch.equal(added(positions, 5), short)


def test_the_table_is_no_part_of_the_weights() -> None:
    positions = Positions(4)
    added(positions, 9)
    assert positions.state_dict() == {}


def test_what_is_there_is_added_to() -> None:
    steps = torch.randn(2, 3, 4)
    torch.testing.assert_close(
        Positions(4)(steps) - steps, added(Positions(4), 3).expand(2, -1, -1)
    )


def test_a_table_made_while_validating_serves_training() -> None:
    positions = Positions(4)
    with torch.inference_mode():
        added(positions, 3)
    assert not positions.table.is_inference()


def test_half_precision_stays_half_precision() -> None:
    assert Positions(4)(torch.zeros(1, 2, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
