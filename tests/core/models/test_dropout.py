"""Dropout: which share is dropped, what is left of the rest, and on which draws it depends."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.dropout import Dropout, keep_mask

MANY = (64, 32, 1, 625)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_and_the_expectation_are_kept(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    y = Dropout(p).train()(torch.ones(MANY, dtype=dtype)).double()
    # 1,280,000 draws: a share's standard deviation is below 0.0005.
    assert (y == 0).double().mean().item() == pytest.approx(p, abs=0.002)
    rest = y[y != 0]
    assert rest.unique().numel() == 1
    # bfloat16 holds three digits, as in the library's own dropout.
    assert rest[0].item() == pytest.approx(1 / (1 - p), rel=0.004)
    assert y.mean().item() == pytest.approx(1, abs=0.02)


def test_elements_are_dropped_one_by_one() -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5).train()(torch.ones(4000, 8)) != 0).double()
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max().item() < 0.08
    assert torch.corrcoef(kept.reshape(8, -1)).fill_diagonal_(0).abs().max().item() < 0.08


def test_the_draws_follow_the_seed() -> None:
    x, drop = torch.ones(3, 5, 1, 7), Dropout(0.5).train()
    found: list[torch.Tensor] = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(drop(x))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(drop(x), drop(x))


@pytest.mark.parametrize("drop", [Dropout(0.5).eval(), Dropout(0.0).train()])
def test_nothing_is_dropped_outside_training_or_at_zero(drop: Dropout) -> None:
    x = torch.randn(4, 3)
    assert drop(x) is x


@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 1, 7), (0, 4)])
def test_any_shape_and_the_memory_order_of_the_input(shape: tuple[int, ...]) -> None:
    x = torch.ones(shape)
    assert keep_mask(x, 1 << 14).shape == x.shape
    assert Dropout(0.5).train()(x).shape == x.shape
    last = torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert keep_mask(last, 1 << 14).stride() == last.stride()
    turned = torch.ones(6, 4).T[::2]
    assert Dropout(0.5).train()(turned).shape == turned.shape


def test_the_gradient_passes_where_an_element_was_kept() -> None:
    torch.manual_seed(0)
    x = torch.ones(50, requires_grad=True)
    y = Dropout(0.5).train()(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())
    assert 0 < int((y == 0).sum()) < 50


@pytest.mark.gpu
def test_a_gpu_drops_the_same_share() -> None:
    y = Dropout(0.1).train()(torch.ones(MANY, device="cuda"))
    assert (y == 0).float().mean().item() == pytest.approx(0.1, abs=0.002)
