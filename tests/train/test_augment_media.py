"""Augmentations of pictures and sounds: small, the same for one seed, absent ones exactly 0."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from components.core.data.batches import Batch
from components.train import augment_media as aug

NAMES = tuple(aug.AUGMENTATIONS)
PAGES = (6, 2, 50, 75)
SOUNDS = (6, 3, 4, 40)


def batch() -> Batch:
    rng = torch.Generator().manual_seed(0)
    pages, sounds = torch.ones(6), torch.ones(6)
    pages[1] = sounds[2] = 0
    windows = torch.ones(6, 3)
    windows[2] = 0
    windows[3, 1:] = 0
    found: Batch = {
        "ecg_image": torch.randn(PAGES, generator=rng) * pages[:, None, None, None],
        "ecg_image_mask": pages,
        "pcg": torch.randn(SOUNDS, generator=rng) * windows[:, :, None, None],
        "pcg_mask": sounds,
        "pcg_valid": windows,
        "label": torch.arange(6),
    }
    return found


def rng(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", NAMES)
def test_only_its_own_modality_changes_and_what_is_absent_stays_0(name: str) -> None:
    before, modality = batch(), aug.AUGMENTATIONS[name][0]
    kept = {key: value.clone() for key, value in before.items()}
    after = aug.augment_media(before, (name,), rng())
    assert all(torch.equal(before[key], kept[key]) for key in kept)  # the input is left alone
    for key in before:
        assert after[key].shape == before[key].shape
        assert torch.equal(after[key], before[key]) == (key != modality)
    assert torch.isfinite(after[modality]).all()
    assert not after["ecg_image"][1].any()
    assert not after["pcg"][2].any()
    assert not after["pcg"][3, 1:].any()


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_gives_one_draw_and_another_another(name: str) -> None:
    modality = aug.AUGMENTATIONS[name][0]
    one, same, other = (aug.augment_media(batch(), (name,), rng(s))[modality] for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_page_moves_whole_and_repeats_its_border() -> None:
    height, width = 50, 75
    line = torch.arange(height, dtype=torch.float32)[None, None, :, None].expand(200, 1, -1, width)
    moved = aug.page_shift(line, rng())
    assert (moved == moved[..., :1]).all()  # every column alike: no shear
    step = moved[:, 0, 1:, 0] - moved[:, 0, :-1, 0]
    assert set(step.unique().tolist()) <= {0.0, 1.0}
    by = (moved[:, 0, height // 2, 0] - height // 2).tolist()
    assert {abs(each) for each in by} == {0.0, 1.0, 2.0}  # 4 % of 50


def test_a_sound_is_turned_as_a_whole() -> None:
    ramp = torch.arange(40, dtype=torch.float32).expand(SOUNDS)
    turned = aug.sound_turn(ramp, rng())
    assert torch.equal(turned.sort(3).values, ramp)
    assert torch.equal(turned, turned[:, :1, :1].expand(SOUNDS))  # windows and bands in step
    assert len(set(turned[:, 0, 0, 0].tolist())) > 1


def test_contrast_and_level_stay_within_their_bounds() -> None:
    ones = torch.ones(500, 1, 2, 2)
    darker = aug.page_contrast(ones, rng())
    assert float(darker.min()) >= 1 - 2 * aug.PAGE_CONTRAST
    assert float(darker.max()) <= 1 + 2 * aug.PAGE_CONTRAST
    assert float(darker.std()) > 0.05
    louder = aug.sound_level(ones, rng()) - 1
    assert 0.9 * aug.LEVEL < float(louder.abs().max()) <= aug.LEVEL
    assert torch.equal(louder, louder[:, :, :1, :1].expand_as(louder))


def test_what_the_batch_lacks_is_left_out() -> None:
    only: dict[str, Tensor] = {"label": torch.arange(3)}
    assert aug.augment_media(only, NAMES, rng()) == only


def test_the_settings_name_every_augmentation() -> None:
    from typing import get_args

    from components.core.config.fit import Augmentation
    from components.train.augment import AUGMENTATIONS

    assert set(get_args(Augmentation)) == {*AUGMENTATIONS, *NAMES}
