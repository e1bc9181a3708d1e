"""The linear part of the heads."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.wide import Wide

LAYOUT = Layout({"emb_clinical": 4, "emb_spatial": 64})
HEADS = {"one": 1, "three": 3}


@pytest.fixture
def wide() -> Wide:
    torch.manual_seed(0)
    return Wide(LAYOUT, HEADS, dropout=0.0)


def drawn(wide: Wide) -> None:
    for coefficients in wide.parameters():
        torch.nn.init.normal_(coefficients)


def answers(wide: Wide, values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.cat(list(wide(values, weight).values()), dim=1)


def test_it_adds_nothing_at_first_and_then_what_is_linear(wide: Wide) -> None:
    values, weight = torch.randn(5, 68), torch.ones(5, 2)
    found = wide(values, weight)
    assert {name: tuple(own.shape) for name, own in found.items()} == {"one": (5, 1),
                                                                       "three": (5, 3)}  # fmt: skip
    assert not any(own.any() for own in found.values())
    drawn(wide)
    twice = answers(wide, 2 * values, weight)
    torch.testing.assert_close(twice, 2 * answers(wide, values, weight))


def test_what_has_no_weight_adds_nothing(wide: Wide) -> None:
    drawn(wide)
    values, weight = torch.randn(5, 68), torch.tensor([[1.0, 0.0]]).expand(5, 2)
    other = values.clone()
    other[:, 4:] = torch.randn(5, 64)
    assert torch.equal(answers(wide, values, weight), answers(wide, other, weight))
    half = answers(wide, values, 0.5 * weight)
    torch.testing.assert_close(half, 0.5 * answers(wide, values, weight))


def test_many_entries_do_not_drown_few(wide: Wide) -> None:
    torch.nn.init.ones_(wide.each["one"])
    values = torch.randn(4000, 68)
    few = wide(values, torch.tensor([[1.0, 0.0]]).expand(4000, 2))["one"].std()
    many = wide(values, torch.tensor([[0.0, 1.0]]).expand(4000, 2))["one"].std()
    torch.testing.assert_close(few, many, rtol=0.1, atol=0)


def test_entries_are_dropped_while_training_alone() -> None:
    wide = Wide(LAYOUT, HEADS, dropout=0.5)
    drawn(wide)
    values, weight = torch.randn(5, 68), torch.ones(5, 2)
    assert not torch.equal(answers(wide, values, weight), answers(wide, values, weight))
    wide.eval()
    assert torch.equal(answers(wide, values, weight), answers(wide, values, weight))
