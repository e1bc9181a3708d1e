"""Attention with weights of keys: none, half, all."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.attention import Attention, AttentionPool, Layer


def tokens(count: int = 3) -> torch.Tensor:
    return torch.randn(2, count, 8, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def layer() -> Layer:
    torch.manual_seed(0)
    return Layer(8, heads=2, dropout=0.5).eval()


def test_a_key_of_weight_0_is_as_if_it_were_not_there(layer: Layer) -> None:
    own = tokens()
    found = layer(own, torch.tensor([[1.0, 1.0, 0.0]] * 2))[:, :2]
    torch.testing.assert_close(found, layer(own[:, :2], torch.ones(2, 2)), rtol=0, atol=1e-5)


def test_two_keys_of_half_a_weight_are_one_whole() -> None:
    torch.manual_seed(0)
    attention, own = Attention(8, heads=2, dropout=0.0), tokens(2)
    twice = torch.cat([own, own[:, 1:]], dim=1)
    found = attention(own, twice, torch.tensor([[1.0, 0.5, 0.5]] * 2))
    torch.testing.assert_close(found, attention(own, own, torch.ones(2, 2)))


def test_one_key_leaves_no_choice() -> None:
    attention, own = Attention(8, heads=2, dropout=0.0), tokens(1)
    found = attention(tokens(3), own, torch.full((2, 1), 0.1))
    expected = attention.out(attention.value(own)).expand(-1, 3, -1)
    torch.testing.assert_close(found, expected)


def test_without_any_key_the_answer_is_finite(layer: Layer) -> None:
    assert layer(tokens(), torch.zeros(2, 3)).isfinite().all()
    assert AttentionPool(8)(tokens(), torch.zeros(2, 3)).isfinite().all()


def test_pooling_starts_near_the_weighted_mean() -> None:
    torch.manual_seed(0)
    own, pool = tokens(), AttentionPool(8)
    torch.testing.assert_close(pool(own), own.mean(1), rtol=0, atol=0.05)
    weight = torch.tensor([[1.0, 0.5, 0.0]] * 2)
    expected = (2 * own[:, 0] + own[:, 1]) / 3
    torch.testing.assert_close(pool(own, weight), expected, rtol=0, atol=0.05)


def test_attention_drops_out_while_training_alone() -> None:
    attention = Attention(8, heads=2, dropout=0.5)
    own, weight = tokens(), torch.ones(2, 3)
    assert not torch.equal(attention(own, own, weight), attention(own, own, weight))
    attention.eval()
    assert torch.equal(attention(own, own, weight), attention(own, own, weight))
