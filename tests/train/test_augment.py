"""Augmentations keep shapes, leads in step, and padding exactly 0."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from components.core.data.batches import Batch
from components.train import augment as aug

NAMES = tuple(sorted(aug.AUGMENTATIONS))
SUBSETS = [s for k in range(1, 5) for s in combinations(NAMES, k)]


def batch(*, records: int = 64, length: int = 100, padded: bool = True) -> Batch:
    rng = torch.Generator().manual_seed(0)
    ecg = torch.randn((records, 8, length), generator=rng)
    mask = torch.ones(records, 8)
    mask[0, 3] = 0
    mask[1, 1:] = 0
    valid = torch.tensor([[0, length]]).repeat(records, 1)
    valid[2], valid[3] = torch.tensor([20, 80]), torch.tensor([3, 97])
    time = torch.arange(length)
    inside = (time >= valid[:, :1]) & (time < valid[:, 1:])
    found: Batch = {"ecg": ecg * mask[:, :, None], "ecg_lead_mask": mask}
    if padded:
        found |= {"ecg": found["ecg"] * inside[:, None], "ecg_valid": valid}
    return found


def rng(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
@pytest.mark.parametrize("padded", [True, False])
def test_shapes_masks_and_zeros(names: tuple[str, ...], padded: bool) -> None:
    before = batch(padded=padded)
    copy = {key: value.clone() for key, value in before.items()}
    after = aug.augment(before, names, rng())
    assert all(torch.equal(before[k], copy[k]) for k in copy)  # the input is left alone
    assert after["ecg"].shape == before["ecg"].shape
    assert after["ecg"].dtype == torch.float32
    assert torch.isfinite(after["ecg"]).all()
    gone = after["ecg_lead_mask"] == 0
    assert not after["ecg"][gone].any()
    assert (after["ecg_lead_mask"] <= before["ecg_lead_mask"]).all()
    if padded:
        time = torch.arange(100)
        valid = after["ecg_valid"]
        outside = (time < valid[:, :1]) | (time >= valid[:, 1:])
        assert not (after["ecg"] * outside[:, None]).any()
        assert (valid >= 0).all()
        assert (valid <= 100).all()
    assert not torch.equal(after["ecg"], before["ecg"])


def test_the_same_generator_state_gives_the_same_batch() -> None:
    one, two, other = (aug.augment(batch(), NAMES, rng(s))["ecg"] for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_noise_is_of_the_size_named() -> None:
    before = batch(records=400, padded=False)
    added = aug.noise(before, rng())["ecg"] - before["ecg"]
    sigma = added[2:].std(dim=(1, 2))
    assert 0.009 < float(sigma.min()) < 0.012
    assert 0.028 < float(sigma.max()) < 0.032


def test_amplitude_of_all_leads_alike_within_ten_per_cent() -> None:
    before = batch(padded=False)
    ratio = (aug.scale(before, rng())["ecg"] / before["ecg"])[4:]
    factor = ratio.mean(dim=(1, 2))
    torch.testing.assert_close(ratio, factor[:, None, None].expand_as(ratio), rtol=1e-4, atol=1e-4)
    assert 0.9 <= float(factor.min()) < 0.95
    assert 1.05 < float(factor.max()) <= 1.1


def test_leads_shift_together_by_at_most_ten_samples() -> None:
    before = batch()
    after = aug.shift(before, rng())
    found: set[int] = set()
    for row in range(4, 64):
        steps = [
            s for s in range(-10, 11)
            if torch.equal(
                after["ecg"][row, :, max(s, 0): 100 + min(s, 0)],
                before["ecg"][row, :, max(-s, 0): 100 + min(-s, 0)],
            )
        ]  # fmt: skip
        assert len(steps) == 1
        assert not after["ecg"][row, :, : max(steps[0], 0)].any()
        found.add(steps[0])
        low, high = after["ecg_valid"][row].tolist()
        assert (low, high) == (max(steps[0], 0), 100 + min(steps[0], 0))
    assert min(found) < -5
    assert max(found) > 5
    moved = after["ecg_valid"][2] - before["ecg_valid"][2]  # padding moves with the record
    assert moved[0] == moved[1]


def test_lead_dropout_hides_some_but_never_all() -> None:
    before = batch(records=4000, length=4, padded=False)
    after = aug.leads(before, rng())
    kept = after["ecg_lead_mask"]
    assert int(kept.sum(1).min()) >= 1
    assert kept[1].tolist() == [1.0] + [0.0] * 7  # its only lead
    assert float(kept[2:].mean()) == pytest.approx(1 - aug.LEAD_DROP, abs=0.01)


def test_a_record_whose_every_lead_would_go_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aug, "LEAD_DROP", 1.0)
    before = batch()
    after = aug.augment(before, ("leads",), rng())
    assert torch.equal(after["ecg_lead_mask"], before["ecg_lead_mask"])
    assert torch.equal(after["ecg"], before["ecg"])


def test_nothing_to_augment() -> None:
    tabular: Batch = {"tabular": torch.ones(2, 2)}
    assert aug.augment(tabular, NAMES, rng()) is tabular
    whole = batch()
    assert aug.augment(whole, (), rng()) is whole
