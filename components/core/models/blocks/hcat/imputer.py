"""What absent modalities are taken to be: a first estimate, refined for some rounds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.core.models.blocks.hcat.attention import Layer
from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.linear import LinearPath
from components.core.models.blocks.hcat.projection import SLOW, Outputs, Projections
from components.core.models.blocks.hcat.records import Records
from components.core.models.blocks.hcat.vae import JointDecoder, JointEncoder, Latent

# Least stated variance, of z-scores: 1 % of their SD.
_FLOOR = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """All modalities as one round estimates them.

    Attributes:
        mean: `[B, V]`; of what is there its reconstruction.
        log_sd: `[B, V]`, of the truth about `mean`; of what is there as if it were not.
        confidence: `[B, M]` logits.
        layout: of `mean` and `log_sd`.
    """

    mean: Tensor
    log_sd: Tensor
    confidence: Tensor
    layout: Layout

    def spread(self) -> Tensor:
        """Return `[B, M]` the mean stated SD."""
        return self.layout.mean(self.log_sd.exp())

    def halves(self) -> tuple[Estimate, Estimate]:
        """Return the first B/2 and the last B/2 records' estimates."""
        first, second = (
            Estimate(mean=mean, log_sd=log_sd, confidence=confidence, layout=self.layout)
            for mean, log_sd, confidence in zip(
                self.mean.chunk(2), self.log_sd.chunk(2), self.confidence.chunk(2), strict=True
            )
        )
        return first, second


class Certainty(nn.Module):
    """Tokens `[B, M, D]` → `[B, M]` logarithm of a factor of the SD, and confidence as logits."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.body = nn.Linear(d_model, 2)
        nn.init.normal_(self.body.weight, std=0.1 / d_model**0.5)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return both; the logarithm is in (-1, 1), a factor of at most e."""
        factor, confidence = self.body(tokens).float().unbind(-1)
        return factor.tanh(), confidence


class Refiner(nn.Module):
    """Rounds of a Transformer over what is there and what is imputed, with the same weights.

    Each round adds to the estimate of what is absent. SDs are what each round states anew: they may
    shrink or grow, since rounds add no data.
    """

    def __init__(
        self, layout: Layout, *, d_model: int, latent: int, heads: int, dropout: float, rounds: int
    ) -> None:
        super().__init__()
        self.layout, self.rounds = layout, rounds
        self.context = nn.Linear(latent, d_model)
        self.layer = Layer(d_model, heads=heads, dropout=dropout)
        self.norm = nn.LayerNorm(d_model)
        self.out, self.certainty = Outputs(layout, d_model, gain=SLOW), Certainty(d_model)

    def forward(
        self,
        first: Estimate,
        records: Records,
        *,
        project: Projections,
        drawn: Tensor,
        usual: Tensor,
    ) -> list[Estimate]:
        """Return the estimate after each round.

        Args:
            first: that of the autoencoder.
            records: what is there, which stays as it is.
            project: makes tokens of values.
            drawn: `[B, Z]` the latent.
            usual: `[B, V]` log SD, to which a round states a factor.
        """
        found, context = [first], self.context(drawn)[:, None]
        there = self.layout.spread(records.present)
        for _ in range(self.rounds):
            last = found[-1]
            values = torch.where(there, records.values, last.mean)
            tokens = project(values, records.present) + context
            weight = torch.where(records.present, 1.0, last.confidence.detach().sigmoid())
            tokens = self.norm(self.layer(tokens, weight))
            factor, confidence = self.certainty(tokens)
            found.append(
                Estimate(
                    mean=torch.where(there, last.mean, last.mean + self.out(tokens)),
                    log_sd=usual + self.layout.spread(factor),
                    confidence=confidence,
                    layout=self.layout,
                )
            )
        return found[1:]


class Imputer(nn.Module):
    """Linear path and joint autoencoder side by side, then the refinement.

    Args:
        layout: of the records' values.
        d_model: of tokens.
        latent: units of the joint latent, and factors of the linear path.
        scales: of the encoders.
        heads: of every attention.
        dropout: inside layers.
        rounds: of refinement; 0 for none.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        d_model: int,
        latent: int,
        scales: int,
        heads: int,
        dropout: float,
        rounds: int,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.linear = LinearPath(layout, factors=latent, dropout=dropout)
        own = {"d_model": d_model, "latent": latent, "heads": heads}
        self.encoder = JointEncoder(len(layout.widths), scales=scales, dropout=dropout, **own)
        self.decoder = JointDecoder(layout, d_model=d_model, latent=latent, dropout=dropout)
        self.certainty = Certainty(d_model)
        # Variance of every entry that nothing explains, as a logarithm.
        self.noise = nn.Parameter(torch.zeros(layout.total))
        self.refiner = Refiner(layout, rounds=rounds, dropout=dropout, **own) if rounds else None

    def forward(self, records: Records, project: Projections) -> tuple[Latent, list[Estimate]]:
        """Return the latent, and the estimates: the autoencoder's, then that after each round."""
        tokens = project(records.values, records.present)
        latent = self.encoder(tokens, self.linear.heard(records))
        mean, variance = self.linear(records)
        own, deep, same = self.decoder(latent.drawn)
        factor, confidence = self.certainty(own)
        usual = 0.5 * (variance + self.noise.exp() + _FLOOR).log()
        first = Estimate(
            mean=torch.where(self.layout.spread(records.present), same, mean + deep),
            log_sd=usual + self.layout.spread(factor),
            confidence=confidence,
            layout=self.layout,
        )
        if self.refiner is None:
            return latent, [first]
        later = self.refiner(first, records, project=project, drawn=latent.drawn, usual=usual)
        return latent, [first, *later]
