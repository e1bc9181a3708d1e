"""What modalities tell of each other linearly, whichever of them are there.

Every modality that is there is a Gaussian expert on common factors z: it brings evidence `E x` and
a precision `Λ = L Lᵀ`, the same for all records. With the prior N(0, I) their product is Gaussian,
of covariance `C = (I + Σ Λ)⁻¹` and mean `C Σ E x` (Hinton, Neural Computation 2002;14:1771; Wu and
Goodman, NeurIPS 2018, for absent modalities), and every modality is expected at `D mean`. With `E`
and `Λ` as its loadings and noise say this is factor analysis with missing blocks; here they are
free, so that noise within a modality may be correlated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.records import Records

_START = 0.1
# Weights are this times their parameters, so that AdamW's steps, all about the learning rate, move
# them as far as loadings of order one need to go within some hundred steps.
_GAIN = 3.0


class LinearPath(nn.Module):
    """Records → the mean of every modality, and the variance that its factors leave.

    Args:
        layout: of the records' values.
        factors: of z.
        dropout: of entries that are there, which shrinks as ridge regression does (Wager, Wang and
            Liang, NeurIPS 2013).
    """

    def __init__(self, layout: Layout, *, factors: int, dropout: float) -> None:
        super().__init__()
        self.layout, self.factors, self.drop = layout, factors, Dropout(dropout)
        self.decode = nn.Parameter(_START / _GAIN * torch.randn(factors, layout.total))
        parts = [part.T / part.shape[1] ** 0.5 for part in layout.parts(self.decode.detach())]
        self.encode = nn.Parameter(torch.cat(parts))
        count = len(layout.widths)
        self.precision = nn.Parameter(0.5 * torch.eye(factors).repeat(count, 1, 1))
        # How fast evidence fades as quality falls.
        self.fading = nn.Parameter(torch.zeros(count))

    def forward(self, records: Records) -> tuple[Tensor, Tensor]:
        """Return mean and variance, both `[B, V]` in full precision."""
        with torch.autocast(records.values.device.type, enabled=False):
            return self._forward(records)

    def _forward(self, records: Records) -> tuple[Tensor, Tensor]:
        heard = self.heard(records)
        evidence = (self.drop(records.values) * self.layout.spread(heard)) @ (_GAIN * self.encode)
        own = self.precision @ self.precision.mT
        prior = torch.eye(self.factors, device=own.device)
        left = torch.linalg.inv(prior + torch.einsum("bm,mij->bij", heard, own))
        factors = torch.einsum("bij,bj->bi", left, evidence)
        decode = _GAIN * self.decode
        return factors @ decode, left.diagonal(dim1=1, dim2=2) @ decode.square()

    def heard(self, records: Records) -> Tensor:
        """Return `[B, M]` how much each expert counts: 0 if absent, 1 at full quality."""
        fading = functional.softplus(self.fading)
        return records.present * torch.exp(-fading * (1 - records.quality))
