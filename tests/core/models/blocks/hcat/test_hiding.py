"""Which modalities a training step hides."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.hiding import hide
from components.core.models.hcat import HidingMode

MODES: tuple[HidingMode, ...] = ("independent", "one_out", "keep_one")


def present(rows: int = 4000) -> torch.Tensor:
    torch.manual_seed(0)
    own = torch.rand(rows, 5) > 0.3
    own[0] = False
    own[1] = torch.tensor([False, True, False, False, False])
    return own


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chance", [0.0, 0.4, 0.99])
def test_nothing_is_invented_and_no_record_loses_all(mode: HidingMode, chance: float) -> None:
    own = present()
    kept = hide(own, mode=mode, chance=chance)
    assert not (kept & ~own).any()
    assert torch.equal(kept.any(1), own.any(1))
    assert torch.equal(kept[1], own[1])
    assert torch.equal(kept, own) == (chance == 0)


def test_independent_hides_each_with_its_chance() -> None:
    own = torch.ones(20_000, 5, dtype=torch.bool)
    torch.manual_seed(0)
    kept = hide(own, mode="independent", chance=0.3).double()
    # That all five are hidden has a chance of 0.002.
    assert kept.mean(0).tolist() == pytest.approx([0.7] * 5, abs=0.015)
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max() < 0.03


@pytest.mark.parametrize(("mode", "left"), [("one_out", 4), ("keep_one", 1)])
def test_the_other_modes_hide_one_or_all_but_one(mode: HidingMode, left: int) -> None:
    own = torch.ones(20_000, 5, dtype=torch.bool)
    torch.manual_seed(0)
    kept = hide(own, mode=mode, chance=0.4)
    count = kept.sum(1)
    assert set(count.tolist()) == {left, 5}
    assert float((count == left).double().mean()) == pytest.approx(0.4, abs=0.015)
    each = kept[count == left].double().mean(0)
    assert each.tolist() == pytest.approx([left / 5] * 5, abs=0.02)


def test_draws_follow_the_seed() -> None:
    own, found = present(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(hide(own, mode="independent", chance=0.5))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
