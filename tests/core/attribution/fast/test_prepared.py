"""A prepared copy says what the network says, and the network stays as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from components.core.attribution.fast.fold import folded
from components.core.attribution.fast.prepared import entered, prepared
from components.core.models.registry import models_by_name
from tests.core.attribution.fast.conftest import MakeBatch, MakeTarget

CONVOLUTIONAL = ("ecg", "ecg+tabular", "trunk")


def norms(network: nn.Module) -> int:
    return sum(isinstance(each, nn.BatchNorm2d) for each in network.modules())


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("name", sorted(models_by_name()))
def test_a_folded_copy_says_the_same(
    name: str, padded: bool, make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    network = make_target(name).models[0]
    batch = make_batch(padded=padded)
    made = folded(network)
    assert norms(network) == (5 if name in CONVOLUTIONAL else 0)
    assert norms(made) == 0
    torch.testing.assert_close(made(batch), network(batch), rtol=1e-5, atol=1e-5)
    assert not any(p.requires_grad for p in made.parameters())


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("name", sorted(models_by_name()))
def test_a_prepared_copy_says_the_same_of_what_enters(
    name: str, padded: bool, make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    network = make_target(name).models[0]
    batch = make_batch(padded=padded)
    made = prepared(network)
    assert (made.stem is not None) == (name in CONVOLUTIONAL)
    said = made.network(entered(made, batch))
    torch.testing.assert_close(said, network(batch), rtol=1e-5, atol=1e-5)


def test_a_convolution_before_something_else_is_not_folded() -> None:
    class Other(nn.Module):
        NORMED = (("conv", "norm"),)

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 1)
            self.norm = nn.GroupNorm(1, 2)

    assert isinstance(folded(Other()).norm, nn.GroupNorm)


def test_what_enters_is_left_by_the_transposed_map(
    make_target: MakeTarget, make_batch: MakeBatch
) -> None:
    made = prepared(make_target("ecg").models[0])
    x, y = make_batch(seed=1, padded=False)["ecg"], make_batch(seed=2, padded=False)["ecg"]
    moved = made.enter("ecg", x) - made.enter("ecg", y)
    weights = torch.randn(moved.shape, generator=torch.Generator().manual_seed(0))
    # <w, A (x − y)> = <Aᵀ w, x − y>, the definition of a transposed map.
    found = (made.leave("ecg", x, weights) * (x - y)).sum()
    torch.testing.assert_close(found, (weights * moved).sum(), rtol=1e-3, atol=1e-3)
    assert made.leave("tabular", x, weights) is weights


def test_only_the_encoders_convolutions_become_bf16(make_target: MakeTarget) -> None:
    made = prepared(make_target("ecg+tabular").models[0], dtype=torch.bfloat16)
    dtypes = {name: p.dtype for name, p in made.network.named_parameters()}
    low = {name for name, dtype in dtypes.items() if dtype == torch.bfloat16}
    assert low == {n for n in dtypes if ".blocks." in n or ".lead_bias." in n}
    assert low
