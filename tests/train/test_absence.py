"""Modality dropout: how often, never the last one, told by masks alone."""

from __future__ import annotations

import pytest
import torch

from components.train.absence import drop_modalities

NAMES = ("a", "b", "c")


def batch(n: int = 4000) -> dict[str, torch.Tensor]:
    there = torch.ones(n, 3)
    there[: n // 2, 2] = 0  # the first half has two
    there[:10] = torch.tensor([0.0, 1.0, 0.0])  # ten have one
    there[10:20] = 0  # ten have nothing
    return {name: torch.ones(n, 2) for name in NAMES} | {
        f"{name}_mask": there[:, place] for place, name in enumerate(NAMES)
    }


def dropped(seed: int = 0, chance: float = 0.4) -> tuple[torch.Tensor, torch.Tensor]:
    given = batch()
    rng = torch.Generator().manual_seed(seed)
    found = drop_modalities(given, NAMES, chance=chance, rng=rng)
    for name in NAMES:
        assert found[name] is given[name]
    return tuple(torch.stack([each[f"{n}_mask"] for n in NAMES], 1) for each in (given, found))  # type: ignore[return-value]


def test_nobody_gains_one_and_nobody_loses_the_last() -> None:
    had, has = dropped(chance=0.9)
    assert (has <= had).all()
    assert torch.equal(has.sum(1) > 0, had.sum(1) > 0)
    assert torch.equal(has[:20], had[:20])
    assert has.sum() < had.sum()


def test_each_is_lost_as_often_as_said() -> None:
    had, has = dropped(chance=0.4)
    of_three = has[2000:]
    # Lost by its own draw, unless all were (0.4³), of which one in three is kept.
    expected = 1 - 0.4 + 0.4**3 / 3
    for place in range(3):
        assert of_three[:, place].mean() == pytest.approx(expected, abs=0.035)  # 3 SE of 2,000
    assert had[2000:].all()


def test_the_draws_are_the_generator_s() -> None:
    first, again, other = (dropped(seed)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_mask_means_that_all_are_there() -> None:
    given = {"a": torch.ones(500, 2), "b": torch.ones(500, 2), "b_mask": torch.ones(500)}
    rng = torch.Generator().manual_seed(0)
    found = drop_modalities(given, NAMES, chance=0.5, rng=rng)
    assert 0 < found["a_mask"].mean() < 1
    assert ((found["a_mask"] + found["b_mask"]) > 0).all()
    assert "c_mask" not in found


def test_a_batch_of_none_of_them_is_left_alone() -> None:
    given = {"label": torch.ones(3)}
    assert drop_modalities(given, NAMES, chance=0.5, rng=torch.Generator()) is given
