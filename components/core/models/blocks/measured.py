"""Measurements of an ECG by fixed formulas, pooled over its leads, and a dense network on them.

Shapes: B batch, K leads, L samples, W windows, M measurements.

A recording that cannot be read is still, loud, restless or adrift somewhere in some lead. Told by a
formula that needs no learning; a convolution learns it from thousands of recordings, not from 150.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.models.blocks.mlp import Heads
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import measured

# Windows a record: of ten seconds each holds a beat or two at any rate, and a loose electrode's
# step or a burst of muscle noise falls into one or two of them.
WINDOWS = 8
# Added before logarithms, of the training part's SD: far below a P wave, above rounding.
_FLOOR = 1e-3
# Beyond any logarithm of a measurement: a missing lead is neither the least nor the greatest.
_FAR = 1e4
# The least window of which a slope and a range can be taken.
SHORTEST = 2
NAMES = (
    "slope", "highest_slope", "lowest_slope", "lowest_range", "highest_range", "middle_range",
    "drift", "range",
)  # fmt: skip


class Measurements(nn.Module):
    """ECG `[B, K, L]` with lead mask and valid interval → `[B, 3 M + 1]`.

    Per lead the logarithms of `NAMES`: mean |slope| per sample, of the record and of its most and
    least restless window; range of the least, most and the median moving window; range of the
    windows' means; range of the record. Then least, mean and greatest over the leads, and the
    share of leads that are missing.
    """

    features = 3 * len(NAMES) + 1

    def forward(self, ecg: Tensor, lead_mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return `[B, features]`.

        Args:
            ecg: `[B, K, L]` normalised, exactly 0 in padding and in missing leads.
            lead_mask: `[B, K]`.
            valid: `[B, 2]`; None means that every sample of every record is real.
        """
        return pooled(measurements(ecg.float(), valid), lead_mask.float())


def measurements(ecg: Tensor, valid: Tensor | None) -> Tensor:
    """Return `[B, K, M]` of each lead between the record's own ends, in the order of `NAMES`."""
    if valid is None:
        return _measured(ecg)
    out = ecg.new_zeros((*ecg.shape[:2], len(NAMES)))
    for start, stop in valid.unique(dim=0).tolist():
        rows = ((valid[:, 0] == start) & (valid[:, 1] == stop)).nonzero()[:, 0]
        out = out.index_copy(0, rows, _measured(ecg[rows, :, start:stop]))
    return out


def _measured(ecg: Tensor) -> Tensor:
    """Return `[B, K, M]` of recordings that are real from end to end."""
    size = ecg.shape[-1] // WINDOWS
    if size < SHORTEST:  # next to nothing was recorded, and nothing moves in it
        return torch.log(ecg.new_full((*ecg.shape[:2], len(NAMES)), _FLOOR))
    cut = ecg[..., : size * WINDOWS].unflatten(2, (WINDOWS, size))
    slope = cut.diff(dim=-1).abs().mean(-1)
    span = cut.amax(-1) - cut.amin(-1)
    middle = cut.mean(-1)
    found = [
        ecg.diff(dim=-1).abs().mean(-1),
        slope.amax(-1),
        slope.amin(-1),
        span.amin(-1),
        span.amax(-1),
        span.median(-1).values,
        middle.amax(-1) - middle.amin(-1),
        ecg.amax(-1) - ecg.amin(-1),
    ]
    return torch.log(torch.stack(found, dim=2) + _FLOOR)


def pooled(found: Tensor, lead_mask: Tensor) -> Tensor:
    """Return `[B, 3 M + 1]` least, mean and greatest over the leads there are, and the share lost.

    A record without a lead has zeros, and the share says why.
    """
    there = lead_mask[:, :, None]
    least = (found + _FAR * (1 - there)).amin(1)
    greatest = (found - _FAR * (1 - there)).amax(1)
    mean = (found * there).sum(1) / there.sum(1).clamp(min=1)
    every = torch.cat([least, mean, greatest], dim=1) * (lead_mask.sum(1, keepdim=True) > 0)
    return torch.cat([every, 1 - lead_mask.mean(1, keepdim=True)], dim=1)


class MeasuredModel(nn.Module):
    """Batch with `ecg`, `ecg_lead_mask` and, where records are padded, `ecg_valid`."""

    def __init__(self, config: measured.Config, spec: DataSpec) -> None:
        super().__init__()
        if spec.leads == 0:
            raise ConfigError(
                "the model needs an ECG, but the data hold none; use model.name=tabular"
            )
        if spec.length < WINDOWS * SHORTEST:
            raise ConfigError(
                f"the ECGs have {spec.length} samples, too few for {WINDOWS} windows; raise "
                "preprocess.ecg.length"
            )
        self.measurements = Measurements()
        self.norm = nn.BatchNorm1d(Measurements.features)
        self.heads = Heads(
            Measurements.features, spec.heads, hidden=config.head_hidden, dropout=config.dropout
        )

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        own = self.measurements(batch["ecg"], batch["ecg_lead_mask"], batch.get("ecg_valid"))
        return self.heads(self.norm(own))
