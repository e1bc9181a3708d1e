"""The building blocks against loops."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from components.core.models.blocks.mlp import Heads, TabularBranch, present
from components.core.models.blocks.resnet1d import STEM_STRIDE, ResNet1d, masked, pool, time_mask


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_a_step_is_real_when_any_of_its_samples_is(stride: int) -> None:
    valid = torch.tensor([[0, 32], [5, 9], [8, 8], [31, 32], [0, 0]])
    found = time_mask(valid, stride, 32 // stride)
    assert found.shape == (5, 1, 1, 32 // stride)
    for row, (start, stop) in enumerate(valid.tolist()):
        for step in range(32 // stride):
            samples = range(step * stride, (step + 1) * stride)
            expected = any(start <= each < stop for each in samples)
            assert found[row, 0, 0, step] == float(expected)


def test_pooling_counts_real_steps_only() -> None:
    x = torch.rand(2, 3, 1, 10)
    mask = torch.zeros(2, 1, 1, 10)
    mask[0, ..., 2:7] = 1
    mask[1, ..., :] = 1
    bias = torch.rand(2, 3)
    mean, top = pool(masked(x, mask), mask, bias)
    torch.testing.assert_close(mean[0], x[0, :, 0, 2:7].mean(1) + bias[0])
    torch.testing.assert_close(top[0], x[0, :, 0, 2:7].amax(1))
    whole = pool(x, None, bias)
    torch.testing.assert_close(mean[1], whole[0][1])
    torch.testing.assert_close(top[1], whole[1][1])


def test_pooling_of_nothing_is_the_bias() -> None:
    bias = torch.rand(1, 3)
    mean, top = pool(torch.zeros(1, 3, 1, 4), torch.zeros(1, 1, 1, 4), bias)
    torch.testing.assert_close(mean, bias)
    assert not top.any()


def test_the_stem_equals_a_strided_convolution() -> None:
    torch.manual_seed(0)
    net = ResNet1d(3, width=4, depth=1, kernel=3, dropout=0).eval()
    ecg = torch.randn(2, 3, 40)
    # Weight [out, lead·4 + sample, 1, tap] as a kernel of 5 · 4 samples per lead.
    weight = net.stem.weight.reshape(4, 3, STEM_STRIDE, 5).transpose(2, 3).reshape(4, 3, 20)
    padded = nn.functional.pad(ecg, (2 * STEM_STRIDE, 2 * STEM_STRIDE))
    expected = nn.functional.conv1d(padded, weight, stride=STEM_STRIDE)
    expected = torch.relu(net.norm(expected[:, :, None]))
    found = torch.relu(net.affine(ecg))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 3])
def test_the_encoder_says_how_many_features_it_returns(depth: int) -> None:
    net = ResNet1d(2, width=4, depth=depth, kernel=5, dropout=0).eval()
    assert net(torch.randn(3, 2, 100), torch.ones(3, 2)).shape == (3, net.features)
    assert net.features == 2 * 4 * depth


def test_present_replaces_rows_by_the_token() -> None:
    features, token = torch.rand(3, 4), torch.full((4,), 9.0)
    assert present(features, None, token) is features
    found = present(features, torch.tensor([1.0, 0.0, 1.0]), token)
    assert torch.equal(found, torch.stack([features[0], token, features[2]]))


def test_branch_and_heads_have_the_widths_asked_for() -> None:
    branch = TabularBranch(5, hidden=7, dropout=0.5)
    heads = Heads(branch.features, {"a": 2, "b": 4}, hidden=3, dropout=0.1)
    out = heads(branch(torch.rand(6, 5)))
    assert {name: tuple(t.shape) for name, t in out.items()} == {"a": (6, 2), "b": (6, 4)}
