"""The quick dropout does what the library's does."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.dropout import Dropout


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9])
def test_the_share_kept_and_the_mean_are_as_asked(p: float) -> None:
    torch.manual_seed(0)
    n = 200_000
    out = Dropout(p).train()(torch.ones(n))
    kept = (out > 0).float().mean().item()
    assert kept == pytest.approx(1 - p, abs=5 * (p * (1 - p) / n) ** 0.5)
    assert out[out > 0].unique().tolist() == pytest.approx([1 / (1 - p)], rel=1e-3)


def test_neighbours_are_independent() -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5).train()(torch.ones(400_000)) > 0).float() - 0.5
    for lag in (1, 2, 3, 4, 5):
        assert abs((kept[:-lag] * kept[lag:]).mean().item()) < 5 * 0.25 / 400_000**0.5


@pytest.mark.parametrize("n", [1, 2, 3, 5, 4001])
def test_any_size_is_taken(n: int) -> None:
    assert Dropout(0.5).train()(torch.ones(n)).shape == (n,)


def test_evaluation_and_zero_leave_the_input_itself() -> None:
    x = torch.rand(5)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0).train()(x) is x


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_type_and_memory_order_are_kept(dtype: torch.dtype) -> None:
    x = torch.rand(2, 8, 1, 6, dtype=dtype).contiguous(memory_format=torch.channels_last)
    out = Dropout(0.5).train()(x)
    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_the_seed_decides_and_gradients_follow_the_mask() -> None:
    x = torch.ones(64, requires_grad=True)
    torch.manual_seed(3)
    out = Dropout(0.4).train()(x)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.4).train()(x), out)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_another_device_takes_the_librarys() -> None:
    out = Dropout(0.5).train()(torch.ones(3, device="meta"))
    assert out.device.type == "meta"
