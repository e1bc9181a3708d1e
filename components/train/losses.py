"""The loss of all heads together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.heads.registry import head_file
from components.core.modalities import modality_of
from components.core.models.blocks.multimodal import OWN


class JointLoss(nn.Module):
    """The weighted sum of the heads' losses; a head learns from the records it has a truth of.

    With `fit.multitask: uncertainty` the weights are learned: exp(−s) L + s/2 with one s a head
    (Kendall, Gal and Cipolla, CVPR 2018), so that a head that cannot be told apart counts less.

    Args:
        heads: name → settings.
        train: the training part; class weights come from it.
        config: all settings of the fit.
    """

    def __init__(self, heads: HeadMap, train: Rows, config: FitConfig) -> None:
        super().__init__()
        self._each = {
            name: head_file(head).make_loss(name, head, train.frame, config)
            for name, head in heads.items()
        }
        self._weight = {name: head.weight for name, head in heads.items()}
        learned = config.multitask == "uncertainty" and len(heads) > 1
        self.log_variance = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(())) for name in heads} if learned else {}
        )

    def forward(self, logits: Batch, batch: Batch) -> Tensor:
        """Return the loss of one batch, a scalar."""
        losses = [self._weighed(name, loss(logits[name], batch)) for name, loss in
                  self._each.items()]  # fmt: skip
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def each(self, logits: Batch, batch: Batch) -> dict[str, Tensor]:
        """Return head → its loss of one batch, without any weight."""
        return {name: loss(logits[name], batch) for name, loss in self._each.items()}

    def own(self, logits: Batch, batch: Batch) -> dict[str, Tensor]:
        """Return modality → loss of what its branch answers by itself (`<head>@<modality>`).

        Each by the same head's loss over the records that have the modality; several heads are
        summed by their own weights, learned ones are the fused answers' alone.
        """
        found: dict[str, Tensor] = {}
        for key, answer in logits.items():
            head, mark, modality = key.rpartition(OWN)
            if not mark or key in self._each:
                continue
            loss = self._of_those_there(head, modality, answer, batch)
            share = loss if len(self._each) == 1 else self._weight[head] * loss
            found[modality] = found[modality] + share if modality in found else share
        return found

    def _of_those_there(self, head: str, modality: str, answer: Tensor, batch: Batch) -> Tensor:
        mask = batch.get(f"{modality}_mask")
        if mask is None:
            return self._each[head](answer, batch)
        there = mask > 0
        if not bool(there.any()):
            return (answer * 0).sum()
        # What losses look at is of no modality; the modalities themselves would be copied.
        looked_at = {key: value[there] for key, value in batch.items() if modality_of(key) is None}
        return self._each[head](answer[there], looked_at)

    def _weighed(self, name: str, loss: Tensor) -> Tensor:
        if name in self.log_variance:
            spread = self.log_variance[name]
            return torch.exp(-spread) * loss + spread / 2
        return loss if len(self._each) == 1 else self._weight[name] * loss
