"""The encoder against the library's, its masks, weights and memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from components.core.models.blocks.events.encoder import Encoder, Layer, Pool

WIDTH, HEADS, STEPS = 8, 2, 7


def encoder(*, norm_first: bool = False, dropout: float = 0.0, layers: int = 2) -> Encoder:
    torch.manual_seed(0)
    return Encoder(
        WIDTH, layers=layers, heads=HEADS, feedforward=12, dropout=dropout, norm_first=norm_first
    )


def steps(rows: int = 3, length: int = STEPS) -> Tensor:
    return torch.randn(rows, length, WIDTH, generator=torch.Generator().manual_seed(1))


def padded(lengths: list[int], length: int = STEPS) -> Tensor:
    return torch.arange(length) >= torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_without_gains_is_the_library_s(norm_first: bool) -> None:
    torch.manual_seed(0)
    library = nn.TransformerEncoderLayer(WIDTH, HEADS, 12, dropout=0.0, norm_first=norm_first)
    own = Layer(WIDTH, heads=HEADS, feedforward=12, dropout=0.0, norm_first=norm_first)
    left = own.load_state_dict(library.state_dict(), strict=False)
    assert (left.missing_keys, left.unexpected_keys) == (["gain1", "gain2"], [])
    nn.init.ones_(own.gain1)
    nn.init.ones_(own.gain2)
    padding, values = padded([7, 4, 1]), steps().transpose(0, 1)
    expected = library(values, src_key_padding_mask=padding)
    torch.testing.assert_close(own(values, padding)[0], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_padding_changes_nothing(norm_first: bool, training: bool, gradients: bool) -> None:
    own = encoder(norm_first=norm_first).train(training)
    values, padding = steps(), padded([7, 4, 1])
    with torch.set_grad_enabled(gradients):
        found, _ = own(values.masked_fill(padding[..., None], 5.0), padding)
        for row, length in enumerate([7, 4, 1]):
            alone, _ = own(values[row : row + 1, :length], padded([length], length))
            torch.testing.assert_close(found[row, :length], alone[0], atol=1e-5, rtol=0)


def test_norms_first_end_with_a_norm() -> None:
    found, _ = encoder(norm_first=True)(steps(), padded([7, 7, 7]))
    torch.testing.assert_close(found.mean(2), torch.zeros(3, STEPS), atol=1e-5, rtol=0)


def test_weights_come_on_demand_with_the_same_steps() -> None:
    own = encoder().eval()
    padding = padded([7, 4, 1])
    plain, none = own(steps(), padding)
    found, weights = own(steps(), padding, weights=True)
    assert none == []
    assert [tuple(each.shape) for each in weights] == [(3, HEADS, STEPS, STEPS)] * 2
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=0)
    for each in weights:
        torch.testing.assert_close(each.sum(3), torch.ones(3, HEADS, STEPS))
        assert not each.masked_select(padding[:, None, None, :]).any()


class Largest(TorchDispatchMode):
    """Notes the largest storage that any operation returns, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else (found,):
            if isinstance(each, Tensor):
                self.bytes = max(self.bytes, each.untyped_storage().nbytes())
        return found


@pytest.mark.parametrize("training", [False, True])
def test_no_square_of_the_steps_is_kept(training: bool) -> None:
    length = 3_000
    own = encoder(layers=1, dropout=0.1).train(training)
    values, padding = steps(1, length), padded([2_900], length)
    with torch.set_grad_enabled(training), Largest() as seen:
        found, _ = own(values, padding)
        if training:
            found.sum().backward()
    assert found.isfinite().all()
    # The widest thing there should be: queries, keys and values of every step.
    assert seen.bytes <= 3 * length * 12 * 4
    with Largest() as seen:
        own(values, padding, weights=True)
    assert seen.bytes >= HEADS * length**2 * 4


def test_thirty_thousand_events_pass() -> None:
    length = 30_000
    own = encoder(layers=1).eval()
    with torch.no_grad(), Largest() as seen:
        found, _ = own(steps(1, length), padded([length], length))
    assert found.isfinite().all()
    assert seen.bytes <= 3 * length * 12 * 4


def pool(dropout: float = 0.0) -> Pool:
    torch.manual_seed(0)
    return Pool(WIDTH, heads=HEADS, dropout=dropout)


@pytest.mark.parametrize("training", [False, True])
def test_pooling_sees_no_padding(training: bool) -> None:
    own, values, padding = pool().train(training), steps(), padded([7, 4, 1])
    found, weights = own(values.masked_fill(padding[..., None], 5.0), padding)
    assert weights.shape == (3, HEADS, 1, STEPS)
    torch.testing.assert_close(weights.sum(3), torch.ones(3, HEADS, 1))
    assert not weights.masked_select(padding[:, None, None, :]).any()
    for row, length in enumerate([7, 4, 1]):
        alone, _ = own(values[row : row + 1, :length], padded([length], length))
        torch.testing.assert_close(found[row], alone[0], atol=1e-5, rtol=0)


def test_pooling_looks_where_the_query_points() -> None:
    own = pool()
    with torch.no_grad():
        own.attention.in_proj_weight.copy_(20 * torch.eye(WIDTH).repeat(3, 1))
        own.query.copy_(torch.eye(WIDTH)[0] + torch.eye(WIDTH)[WIDTH // HEADS])
    values = torch.zeros(1, STEPS, WIDTH)
    values[0, 2, 0] = values[0, 5, WIDTH // HEADS] = 1.0
    _, weights = own(values, padded([7]))
    # Each head sees its own half of the width.
    assert weights[0, :, 0].argmax(1).tolist() == [2, 5]
    assert weights[0, 0, 0, 2] > 0.99
