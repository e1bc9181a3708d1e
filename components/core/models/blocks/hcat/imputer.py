"""What absent modalities are taken to be: a first estimate, refined for some rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.hcat.attention import Layer
from components.core.models.blocks.hcat.linear import LinearPath
from components.core.models.blocks.hcat.projection import Projections
from components.core.models.blocks.hcat.records import Records, Values
from components.core.models.blocks.hcat.vae import JointDecoder, JointEncoder, Latent, Outputs

# A record's SD is at most e times or an e-th of what its entries usually have.
_LOG_SD_RANGE = 1.0
# Least stated variance, of z-scores: 1 % of their SD.
_FLOOR = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Every modality as one round estimates it.

    Attributes:
        mean: modality → `[B, W]`.
        log_sd: modality → `[B, W]`, of the truth about `mean`.
        confidence: `[B, M]` logits.
    """

    mean: Values
    log_sd: Values
    confidence: Tensor


class Certainty(nn.Module):
    """Tokens `[B, M, D]` → `[B, M]` logarithm of a factor of the SD, and confidence as logits."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.body = nn.Linear(d_model, 2)
        nn.init.normal_(self.body.weight, std=0.1 / d_model**0.5)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return both; the logarithm is in (-1, 1)."""
        factor, confidence = self.body(tokens).float().unbind(-1)
        return _LOG_SD_RANGE * factor.tanh(), confidence


class Noise(nn.Module):
    """The SD of every entry: of noise that is the same for all records, and of the factors."""

    def __init__(self, widths: Mapping[EmbeddingModality, int]) -> None:
        super().__init__()
        self.each = nn.ParameterDict({name: torch.zeros(w) for name, w in widths.items()})

    def forward(self, variance: Values, factor: Tensor) -> Values:
        """Return modality → log SD `[B, W]`.

        Args:
            variance: modality → `[B, W]` that the factors leave.
            factor: `[B, M]` logarithm of a factor of each record's SD.
        """
        return {
            name: 0.5 * (left + self.each[name].exp() + _FLOOR).log() + factor[:, place, None]
            for place, (name, left) in enumerate(variance.items())
        }


class Refiner(nn.Module):
    """Rounds of a Transformer over what is there and what is imputed, with the same weights.

    Each round adds to the estimate of what is absent. SDs are what each round states anew: they may
    shrink or grow, since rounds add no data.
    """

    def __init__(
        self,
        widths: Mapping[EmbeddingModality, int],
        *,
        d_model: int,
        latent: int,
        heads: int,
        dropout: float,
        rounds: int,
    ) -> None:
        super().__init__()
        self.rounds = rounds
        self.context = nn.Linear(latent, d_model)
        self.layer = Layer(d_model, heads=heads, dropout=dropout)
        self.norm = nn.LayerNorm(d_model)
        self.out, self.certainty = Outputs(widths, d_model), Certainty(d_model)
        self.noise = Noise(widths)

    def forward(
        self,
        first: Estimate,
        records: Records,
        *,
        project: Projections,
        latent: Tensor,
        variance: Values,
    ) -> list[Estimate]:
        """Return the estimate after each round.

        Args:
            first: that of the autoencoder.
            records: what is there, which stays as it is.
            project: makes tokens of values.
            latent: `[B, Z]`.
            variance: modality → `[B, W]` that the linear path's factors leave.
        """
        found, context = [first], self.context(latent)[:, None]
        for _ in range(self.rounds):
            last = found[-1]
            tokens = project(filled(records, last.mean), records.present) + context
            weight = torch.where(records.present, 1.0, last.confidence.detach().sigmoid())
            tokens = self.norm(self.layer(tokens, weight))
            factor, confidence = self.certainty(tokens)
            mean = self._moved(last.mean, self.out(tokens), records.present)
            log_sd = self.noise(variance, factor)
            found.append(Estimate(mean=mean, log_sd=log_sd, confidence=confidence))
        return found[1:]

    @staticmethod
    def _moved(mean: Values, by: Values, present: Tensor) -> Values:
        return {
            name: torch.where(present[:, place, None], own, own + by[name])
            for place, (name, own) in enumerate(mean.items())
        }


def filled(records: Records, mean: Values) -> Values:
    """Return what is there, and the imputed mean of what is not."""
    return {
        name: torch.where(records.present[:, place, None], own, mean[name])
        for place, (name, own) in enumerate(records.values.items())
    }


class Imputer(nn.Module):
    """Linear path and joint autoencoder side by side, then the refinement.

    Args:
        widths: modality → W.
        d_model: of tokens.
        latent: units of the joint latent, and factors of the linear path.
        scales: of the encoders.
        heads: of every attention.
        dropout: inside layers.
        rounds: of refinement; 0 for none.
    """

    def __init__(
        self,
        widths: Mapping[EmbeddingModality, int],
        *,
        d_model: int,
        latent: int,
        scales: int,
        heads: int,
        dropout: float,
        rounds: int,
    ) -> None:
        super().__init__()
        self.linear = LinearPath(widths, factors=latent, dropout=dropout)
        self.encoder = JointEncoder(
            len(widths),
            d_model=d_model,
            latent=latent,
            scales=scales,
            heads=heads,
            dropout=dropout,
        )
        self.decoder = JointDecoder(widths, d_model=d_model, latent=latent, dropout=dropout)
        self.certainty, self.noise = Certainty(d_model), Noise(widths)
        self.refiner = (
            Refiner(
                widths,
                d_model=d_model,
                latent=latent,
                heads=heads,
                dropout=dropout,
                rounds=rounds,
            )
            if rounds
            else None
        )

    def forward(self, records: Records, project: Projections) -> tuple[Latent, list[Estimate]]:
        """Return the latent, and the estimates: the autoencoder's, then that after each round."""
        tokens = project(records.values, records.present)
        latent = self.encoder(tokens, self.linear.say(records))
        mean, variance = self.linear(records)
        own, deep = self.decoder(latent.drawn)
        factor, confidence = self.certainty(own)
        first = Estimate(
            mean={name: mean[name] + deep[name] for name in mean},
            log_sd=self.noise(variance, factor),
            confidence=confidence,
        )
        if self.refiner is None:
            return latent, [first]
        rounds = self.refiner(
            first, records, project=project, latent=latent.drawn, variance=variance
        )
        return latent, [first, *rounds]
