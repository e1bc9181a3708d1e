"""Augmentations of normalised pictures and sounds, train part only; what is absent stays 0.

Shapes: B records; pictures `[B, C, H, W]`, sounds `[B, windows, mels, frames]`. Draws come from the
generator that is given, so that an epoch's depend on (seed, epoch) alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from components.core.data.batches import Batch

IMAGE, SOUND = "ecg_image", "pcg"
# How a page lies on a scanner: shares of height and width, and the same of contrast.
PAGE_SHIFT, PAGE_CONTRAST = 0.04, 0.15
# Of a sound's level, in its own standard deviations; about 2 dB.
LEVEL = 0.2


def _uniform(shape: tuple[int, ...], bound: float, rng: torch.Generator) -> Tensor:
    return (2 * torch.rand(shape, generator=rng) - 1) * bound


def page_shift(values: Tensor, rng: torch.Generator) -> Tensor:
    """Move each picture by a few pixels; its border is repeated where nothing is left."""
    size = values.shape[0]
    places = [
        (torch.arange(side) - (_uniform((size, 1), PAGE_SHIFT * side, rng)).round().long()).clamp(
            0, side - 1
        )
        for side in values.shape[2:]
    ]
    rows, columns = (place.to(values.device) for place in places)
    record = torch.arange(size, device=values.device)[:, None, None]
    moved = values.permute(0, 2, 3, 1)[record, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def page_contrast(values: Tensor, rng: torch.Generator) -> Tensor:
    """Let each picture's contrast and brightness differ a little."""
    drawn = _uniform((2, values.shape[0], 1, 1, 1), PAGE_CONTRAST, rng).to(values.device)
    return values * (1 + drawn[0]) + drawn[1]


def sound_turn(values: Tensor, rng: torch.Generator) -> Tensor:
    """Begin each record's windows at another moment; what is cut off in front comes last."""
    frames = values.shape[3]
    steps = torch.randint(frames, (values.shape[0], 1), generator=rng)
    place = ((torch.arange(frames) + steps) % frames).to(values.device)
    return values.gather(3, place[:, None, None, :].expand(values.shape))


def sound_level(values: Tensor, rng: torch.Generator) -> Tensor:
    """Let each recording be a little louder or softer."""
    return values + _uniform((values.shape[0], 1, 1, 1), LEVEL, rng).to(values.device)


# Name → the modality it is of, and what it does.
AUGMENTATIONS: dict[str, tuple[str, Callable[[Tensor, torch.Generator], Tensor]]] = {
    "page_shift": (IMAGE, page_shift),
    "page_contrast": (IMAGE, page_contrast),
    "sound_turn": (SOUND, sound_turn),
    "sound_level": (SOUND, sound_level),
}


def augment_media(batch: Batch, names: tuple[str, ...], rng: torch.Generator) -> Batch:
    """Apply those of the named augmentations whose modality the batch has."""
    found = dict(batch)
    for name in names:
        modality, change = AUGMENTATIONS.get(name, ("", None))
        if change is not None and modality in found:
            found[modality] = _there(batch, modality, change(found[modality], rng))
    return found


def _there(batch: Batch, name: str, values: Tensor) -> Tensor:
    """Return the values, exactly 0 where a record or a window is absent."""
    for mask in (batch.get(f"{name}_mask"), batch.get(f"{name}_valid")):
        if mask is not None:
            values = values * mask.reshape(*mask.shape, *[1] * (values.dim() - mask.dim()))
    return values
