"""Augmentations of normalised ECG batches, train part only; shapes and lead order stay.

Each takes and returns a batch and draws from the generator it is given, so that an epoch's draws
depend on (seed, epoch) alone. Bounds are those of the task specification of the field's CTRCD
networks: σ 0.01-0.03 of the normalised scale, amplitude ±10 %, shift ≤ 10 samples.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from components.core.data.batches import Batch, real_mask

NOISE_SIGMA = (0.01, 0.03)
SCALE_RANGE = 0.10
MAX_SHIFT = 10
# One lead in ten is hidden, and never all of a record's leads.
LEAD_DROP = 0.1


def _uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=rng) * (high - low) + low


def noise(batch: Batch, rng: torch.Generator) -> Batch:
    """Add white noise, its σ drawn per record."""
    ecg = batch["ecg"]
    sigma = _uniform((ecg.shape[0], 1, 1), *NOISE_SIGMA, rng)
    drawn = torch.randn(ecg.shape, generator=rng) * sigma
    return {**batch, "ecg": ecg + drawn.to(ecg.device)}


def scale(batch: Batch, rng: torch.Generator) -> Batch:
    """Scale the amplitude of all leads of a record alike."""
    factor = _uniform((batch["ecg"].shape[0], 1, 1), 1 - SCALE_RANGE, 1 + SCALE_RANGE, rng)
    return {**batch, "ecg": batch["ecg"] * factor.to(batch["ecg"].device)}


def shift(batch: Batch, rng: torch.Generator) -> Batch:
    """Shift all leads of a record by the same number of samples; what comes in is zero."""
    ecg = batch["ecg"]
    steps = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (ecg.shape[0],), generator=rng)
    moved = torch.zeros_like(ecg)
    for row, step in enumerate(steps.tolist()):
        if step >= 0:
            moved[row, :, step:] = ecg[row, :, : ecg.shape[2] - step]
        else:
            moved[row, :, :step] = ecg[row, :, -step:]
    if "ecg_valid" not in batch:
        return {**batch, "ecg": moved}
    offset = steps.to(ecg.device)[:, None]
    valid = (batch["ecg_valid"] + offset).clamp(0, ecg.shape[2])
    return {**batch, "ecg": moved, "ecg_valid": valid}


def leads(batch: Batch, rng: torch.Generator) -> Batch:
    """Hide leads at random: zeros, and the lead's bit in the mask."""
    mask = batch["ecg_lead_mask"]
    keep = (torch.rand(mask.shape, generator=rng) >= LEAD_DROP).float().to(mask.device)
    thinned = mask * keep
    empty = thinned.sum(1, keepdim=True) == 0
    kept = torch.where(empty, mask, thinned)
    return {**batch, "ecg": batch["ecg"] * kept[:, :, None], "ecg_lead_mask": kept}


AUGMENTATIONS: dict[str, Callable[[Batch, torch.Generator], Batch]] = {
    "noise": noise,
    "scale": scale,
    "shift": shift,
    "leads": leads,
}


def augment(batch: Batch, names: tuple[str, ...], rng: torch.Generator) -> Batch:
    """Apply the named augmentations; padding and missing leads are exactly 0 afterwards."""
    if "ecg" not in batch or not names:
        return batch
    for name in names:
        if name in AUGMENTATIONS:
            batch = AUGMENTATIONS[name](batch, rng)
    real = real_mask(batch)
    return batch if real is None else {**batch, "ecg": batch["ecg"] * real}
