"""What modalities tell of each other linearly, whichever of them are there.

Every modality that is there is a Gaussian expert on common factors z: it brings evidence `E x` and a
precision `Λ = L Lᵀ`, the same for all records. With the prior N(0, I) their product is Gaussian, of
covariance `C = (I + Σ Λ)⁻¹` and mean `C Σ E x` (Hinton, Neural Computation 2002;14:1771; Wu and
Goodman, NeurIPS 2018, for absent modalities), and every modality is expected at `D mean`. With `E`
and `Λ` as its loadings and noise say this is factor analysis with missing blocks; here they are
free, so that noise within a modality may be correlated.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.hcat.records import Records, Values

_START = 0.1
# Weights are this times their parameters, so that AdamW's steps, all about the learning rate, move
# them as far as loadings of order one need to go within some hundred steps.
_GAIN = 3.0


class LinearPath(nn.Module):
    """Records → the mean of every modality, and the variance that its factors leave.

    Args:
        widths: modality → W.
        factors: of z.
        dropout: of entries that are there, which shrinks as ridge regression does (Wager, Wang and
            Liang, NeurIPS 2013).
    """

    def __init__(
        self, widths: Mapping[EmbeddingModality, int], *, factors: int, dropout: float
    ) -> None:
        super().__init__()
        self.factors = factors
        self.drop = nn.Dropout(dropout)
        decode = {name: _START / _GAIN * torch.randn(factors, w) for name, w in widths.items()}
        self.decode = nn.ParameterDict(decode)
        self.encode = nn.ParameterDict(
            {name: own.clone().T / widths[name] ** 0.5 for name, own in decode.items()}
        )
        self.precision = nn.Parameter(0.5 * torch.eye(factors).repeat(len(widths), 1, 1))
        # How fast evidence fades as quality falls.
        self.fading = nn.Parameter(torch.zeros(len(widths)))

    def forward(self, records: Records) -> tuple[Values, Values]:
        """Return modality → mean `[B, W]`, and → variance `[B, W]`, both in full precision."""
        with torch.autocast(records.quality.device.type, enabled=False):
            return self._forward(records)

    def _forward(self, records: Records) -> tuple[Values, Values]:
        says = self.say(records)
        evidence = sum(
            says[:, place, None] * (self.drop(own) @ (_GAIN * self.encode[name]))
            for place, (name, own) in enumerate(records.values.items())
        )
        own = self.precision @ self.precision.mT
        prior = torch.eye(self.factors, device=own.device)
        left = torch.linalg.inv(prior + torch.einsum("bm,mij->bij", says, own))
        factors = torch.einsum("bij,bj->bi", left, evidence)
        spread = left.diagonal(dim1=1, dim2=2)
        mean = {name: factors @ (_GAIN * self.decode[name]) for name in records.values}
        variance = {name: spread @ (_GAIN * self.decode[name]).square() for name in records.values}
        return mean, variance

    def say(self, records: Records) -> Tensor:
        """Return `[B, M]` how much each expert is heard: 0 if absent, 1 at full quality."""
        fading = functional.softplus(self.fading)
        return records.present * torch.exp(-fading * (1 - records.quality))
