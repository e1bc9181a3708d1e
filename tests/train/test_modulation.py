"""OGM-GE against the paper's formula, computed directly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from components.core.config.heads import BinaryHead
from components.core.heads.registry import View
from components.train.modulation import confidences, factors, modulate

Y = View(name="y", head=BinaryHead())


class Branch(nn.Module):
    """A branch of two layers, and a projection that is not the encoder's."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(60, 50), nn.BatchNorm1d(50))
        self.project = nn.Linear(50, 2)


def graded(**values: float) -> tuple[dict[str, nn.Module], dict[str, torch.Tensor]]:
    """Return branches with a random gradient each, and a copy of those gradients."""
    torch.manual_seed(0)
    made: dict[str, nn.Module] = {name: Branch() for name in values}
    for name, scale in values.items():
        for parameter in made[name].parameters():
            parameter.grad = scale * torch.randn_like(parameter)
    return made, {f"{name}.{key}": p.grad.clone() for name, branch in made.items()
                  for key, p in branch.named_parameters() if p.grad is not None}  # fmt: skip


def test_two_branches_as_in_the_paper() -> None:
    found = factors({"audio": 0.9, "visual": 0.6}, strength=0.3)
    assert found == {"audio": pytest.approx(1 - math.tanh(0.3 * 0.9 / 0.6)), "visual": 1.0}
    assert factors({"a": 0.5, "b": 0.5}, strength=0.3) == {"a": 1.0, "b": 1.0}


def test_each_of_three_is_compared_with_the_mean_of_the_others() -> None:
    found = factors({"a": 0.9, "b": 0.7, "c": 0.2}, strength=0.5)
    assert found["a"] == pytest.approx(1 - math.tanh(0.5 * 0.9 / 0.45))
    assert found["b"] == pytest.approx(1 - math.tanh(0.5 * 0.7 / 0.55))
    assert found["c"] == 1.0
    assert factors({"a": 0.9}, strength=0.5) == {"a": 1.0}
    assert factors({}, strength=0.5) == {}


@pytest.mark.parametrize("key", ["label", "y.y"])
def test_confidence_is_the_mean_probability_of_the_truth(key: str) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, 2)).astype(np.float32)
    truth = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, math.nan])
    mask = torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    use = [0, 1, 3, 4]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = p[use, [0, 1, 0, 1]].mean()
    answers = {
        "y": torch.zeros(6, 2), "y@pcg": torch.from_numpy(logits), "z@pcg": torch.zeros(6, 2),
        "y@tabular": torch.zeros(6, 2), "y@ecg_image": torch.zeros(6, 2),
    }  # fmt: skip
    batch = {key: truth, "pcg_mask": mask, "ecg_image_mask": torch.zeros(6)}
    found = confidences(answers, batch, Y)
    assert found == {"pcg": pytest.approx(expected, rel=1e-6), "tabular": pytest.approx(0.5)}
    assert confidences(answers, {"pcg_mask": mask}, Y) == {}


def test_gradients_are_scaled_and_weights_get_noise_of_their_own_spread() -> None:
    branches, before = graded(fast=2.0, slow=0.5)
    modulate(branches, {"fast": 0.3, "slow": 1.0}, torch.Generator().manual_seed(1))
    for name, factor in (("fast", 0.3), ("slow", 1.0)):
        after = {key: p.grad for key, p in branches[name].named_parameters()}
        for key in ("encoder.0.bias", "encoder.1.weight", "encoder.1.bias"):
            torch.testing.assert_close(after[key], factor * before[f"{name}.{key}"])
        noise = after["encoder.0.weight"] - factor * before[f"{name}.encoder.0.weight"]
        spread = float(before[f"{name}.encoder.0.weight"].std())
        assert float(noise.std()) == pytest.approx(spread, rel=0.05)  # 3,000 entries
        assert abs(float(noise.mean())) < 0.06 * spread
        assert torch.equal(after["project.weight"], before[f"{name}.project.weight"])


def test_the_noise_is_the_generator_s() -> None:
    found = []
    for seed in (1, 1, 2):
        branches, _ = graded(a=1.0, b=1.0)
        modulate(branches, {"a": 1.0, "b": 1.0}, torch.Generator().manual_seed(seed))
        found.append(branches["a"].get_parameter("encoder.0.weight").grad)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_nothing_to_compare_and_nothing_learned_stay_as_they_are() -> None:
    branches, before = graded(a=1.0)
    modulate(branches, {"a": 1.0}, torch.Generator())
    weight = branches["a"].get_parameter("encoder.0.weight")
    assert torch.equal(weight.grad, before["a.encoder.0.weight"])
    fresh: dict[str, nn.Module] = {"a": Branch(), "b": Branch()}
    modulate(fresh, {"a": 0.5, "b": 1.0}, torch.Generator())
    assert all(p.grad is None for branch in fresh.values() for p in branch.parameters())
