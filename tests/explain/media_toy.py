"""Networks on pictures, sounds and fields whose attributions are known on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from components.core.attribution.target import Target
from components.core.data.batches import Batch
from components.core.data.cohort import Rows, read_part
from components.core.media.config import SoundConfig
from components.core.store import Stage
from components.explain.subject import Subject
from tests.cohorts import ARRAY_SHAPES
from tests.explain_subjects import VIEW, subject_of

INPUTS = ("ecg_image", "pcg", "tabular")
PICTURE, SOUND = ARRAY_SHAPES["ecg_image"], ARRAY_SHAPES["pcg"]
HEARD = SoundConfig(mels=SOUND[1], windows=SOUND[0])


class Weighted(nn.Module):
    """Log-odds = Σ weight · input, of what a record has; a token's worth of what it lacks.

    With `product`, the answers of picture and sound are multiplied, too.
    """

    TOKENS = (0.5, -0.25, 0.125)

    def __init__(self, width: int, *, product: float = 0.0) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(7)
        self.picture = nn.Parameter(torch.randn(PICTURE, generator=draw) / 10)
        self.sound = nn.Parameter(torch.randn(SOUND, generator=draw) / 10)
        self.fields = nn.Parameter(torch.randn(width, generator=draw))
        self.product = product

    def each(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        sound = batch["pcg"] * batch["pcg_valid"][:, :, None, None]
        own = (
            (batch["ecg_image"] * self.picture).flatten(1).sum(1),
            (sound * self.sound).flatten(1).sum(1),
            batch["tabular"] @ self.fields,
        )
        has = (batch["ecg_image_mask"], batch["pcg_mask"], batch["tabular_mask"])
        a, b, c = (torch.where(mask > 0, value, torch.full_like(value, token))
                   for mask, value, token in zip(has, own, self.TOKENS, strict=True))  # fmt: skip
        return a, b, c

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        picture, sound, fields = self.each(batch)
        odds = picture + sound + fields + self.product * picture * sound
        return {VIEW.name: torch.stack([torch.zeros_like(odds), odds], dim=1)}


class OneTile(nn.Module):
    """Looks at the middle of one region of the picture alone."""

    ROW, COLUMN = 3, 5

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        high, wide = PICTURE[1] // 6, PICTURE[2] / 8
        top, left = self.ROW * high, round(self.COLUMN * wide)
        seen = batch["ecg_image"][:, 0, top + 1 : top + high - 1, left + 1 : left + 3]
        odds = seen.square().mean((1, 2)) * batch["ecg_image_mask"]
        return {VIEW.name: torch.stack([torch.zeros_like(odds), odds], dim=1)}


def rows_of(cohort: Callable[..., Stage]) -> Rows:
    """Return records of whom some lack the picture, the sound, the fields, and one everything."""
    stage = cohort(ecg=False, arrays=("ecg_image", "pcg"), patients=60)
    rows = read_part(stage, "holdout", "train")
    lacking = np.flatnonzero(~rows.arrays["ecg_image"].there)[0], 3
    frame = rows.frame.copy()
    frame.loc[list(lacking), ["tab.age", "tab.sex"]] = None
    return replace(rows, frame=frame).take(np.arange(len(rows)))


def subject_with(network: nn.Module, rows: Rows) -> Subject:
    """Return a network and records, ready to be explained."""
    subject = subject_of([network], INPUTS, rows)
    return replace(subject, target=Target([network], VIEW), sound=HEARD)
