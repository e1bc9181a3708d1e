"""What every event by itself says of the outcome, recent events counting most.

The outcome is known of a stay, not of its events: each event's answer is compared with the stay's
label, weighted by 2^(−hours / half-life) of the time from the event to the prediction.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

_LABEL, _TRUTH = "label", "y."
# Heads of two classes have as many logits (`components.core.heads.binary`).
_TWO = 2
_ALIKE = (1.0, 1.0)


class EventAnswers(nn.Module):
    """Encoded steps `[n, S, D]` → of every two-class head one logit a step.

    Args:
        width: D.
        heads: name → number of logits; those of other than two have no part.
        half_life: hours.
    """

    def __init__(self, width: int, heads: Mapping[str, int], *, half_life: float) -> None:
        super().__init__()
        self.half_life = half_life
        self.weights: dict[str, tuple[float, float]] = {}
        self.each = nn.ModuleDict(
            {name: nn.Linear(width, 1) for name, count in heads.items() if count == _TWO}
        )

    def forward(self, encoded: Tensor) -> dict[str, Tensor]:
        """Return head → `[n, S]` log-odds of the event."""
        return {name: answer(encoded)[..., 0] for name, answer in self.each.items()}

    def loss(self, encoded: Tensor, batch: Mapping[str, Tensor], rows: Tensor) -> Tensor:
        """Return the sum over heads of `recent_loss`, each where its truth is in the batch.

        Args:
            encoded: `[n, S, D]`.
            batch: with `events_hours`, `events_valid` and the truths, of B records.
            rows: `[n]` which of them `encoded` are.
        """
        total = encoded.new_zeros((), dtype=torch.float32)
        if not len(rows):
            # Nothing to learn from, but a step that learns from this loss alone asks for gradients.
            return total + sum(0.0 * each.sum() for each in self.each.parameters())
        share = recency(batch["events_hours"][rows], batch["events_valid"][rows], self.half_life)
        for name, logits in self(encoded).items():
            truth = batch.get(f"{_TRUTH}{name}", batch.get(_LABEL))
            if truth is not None:
                pair = self.weights.get(name, _ALIKE)
                total = total + recent_loss(logits, truth[rows].float(), share, classes=pair)
        return total


def recency(hours: Tensor, valid: Tensor, half_life: float) -> Tensor:
    """Return `[n, S]` 2^(−hours / half-life), 0 in padding, each record's summing to 1.

    Args:
        hours: `[n, S]` from the event to the prediction.
        valid: `[n, S]` 0 in padding; not all of a record.
        half_life: hours.
    """
    # Counted from the last event: of a record whose events are all long past nothing underflows.
    real = valid > 0
    least = hours.masked_fill(~real, torch.inf).amin(1, keepdim=True)
    weight = torch.exp2(-(hours - least) / half_life).masked_fill(~real, 0.0)
    return weight / weight.sum(1, keepdim=True)


def recent_loss(
    logits: Tensor, truth: Tensor, share: Tensor, *, classes: tuple[float, float] = _ALIKE
) -> Tensor:
    """Return the mean over records of the weighted cross-entropy of their events, a scalar.

    Args:
        logits: `[n, S]` log-odds of the event.
        truth: `[n]` 0 or 1 of the stay, NaN where it is not known; such records count for nothing.
        share: `[n, S]` weights, summing to 1 in each record.
        classes: weights of negative and positive records, as the heads' loss has them.
    """
    known = ~truth.isnan()
    label = truth.nan_to_num()
    aim = label[:, None].expand_as(logits)
    each = functional.binary_cross_entropy_with_logits(logits.float(), aim, reduction="none")
    own = (each * share).sum(1) * torch.where(label > 0, classes[1], classes[0])
    return torch.where(known, own, 0.0).sum() / known.sum().clamp(min=1)
