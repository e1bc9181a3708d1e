"""The whole of `hcat`: read, hide, impute, weigh, fuse, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.hcat import losses
from components.core.models.blocks.hcat.branches import Fusion
from components.core.models.blocks.hcat.gate import QualityGate
from components.core.models.blocks.hcat.hiding import hide
from components.core.models.blocks.hcat.imputer import Estimate, Imputer
from components.core.models.blocks.hcat.layout import Layout, Values
from components.core.models.blocks.hcat.projection import Projections
from components.core.models.blocks.hcat.records import Reader, Records, together
from components.core.models.blocks.hcat.vae import Latent
from components.core.models.blocks.hcat.wide import Wide
from components.core.models.blocks.mlp import Heads
from components.core.models.extra import OWN_LOSS
from components.core.models.imputing import Imputation
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import hcat


@dataclass(frozen=True, kw_only=True, eq=False)
class Filled:
    """B records, nothing of them absent any more.

    Attributes:
        values: `[B, V]`, as they are or as imputed.
        tokens: `[B, M, D]` made of them.
        weight: `[B, M]` how much each modality counts.
    """

    values: Tensor
    tokens: Tensor
    weight: Tensor

    def first_half(self) -> Filled:
        """Return the first B/2 records."""
        return Filled(
            values=self.values.chunk(2)[0],
            tokens=self.tokens.chunk(2)[0],
            weight=self.weight.chunk(2)[0],
        )


class HcatModel(nn.Module):
    """Batch with any of the five embeddings → the logits of every head.

    While training, observed modalities are hidden at random in two views of every record; the heads
    answer from the first, with what was hidden imputed, and the model's own losses come along. The
    heads' losses do not flow back through imputed values; `project`, which makes tokens of values
    for the imputer as for the heads, learns from both.

    Raises:
        ConfigError: the data hold none of the five.
    """

    def __init__(self, config: hcat.Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, d_model = config, config.d_model
        shapes: Mapping[EmbeddingModality, tuple[int, ...]] = {
            name: spec.arrays[name] for name in EMBEDDED if name in spec.arrays
        }
        if not shapes:
            raise ConfigError(
                "the model needs at least one of the five embeddings, but the data hold none; "
                "declare them under preprocess.modalities or use model.name=tabular"
            )
        self.reader = Reader(shapes)
        layout = self.layout = self.reader.layout
        self.project = Projections(layout, d_model)
        self.imputer = _imputer(config, layout)
        self.enter = nn.Sequential(nn.Linear(d_model, d_model), nn.GELU(), Dropout(config.dropout))
        self.gate = QualityGate(len(shapes), d_model)
        self.fusion = Fusion(
            layout.names,
            d_model=d_model,
            heads=config.n_heads,
            layers=config.n_global_layers,
            dropout=config.dropout,
        )
        self.heads = Heads(d_model, spec.heads, hidden=d_model, dropout=config.dropout)
        self.wide = Wide(layout, spec.heads, dropout=config.dropout)
        self.contrast = nn.Sequential(
            nn.Linear(d_model, d_model), nn.GELU(), nn.Linear(d_model, d_model)
        )
        self.loss_weights = {
            "kl": config.alpha_kl,
            "impute": config.alpha_impute,
            "consistency": config.alpha_consistency,
            "contrastive": config.alpha_con,
        }
        self._warm = 1.0
        self.advance(0)

    def advance(self, epoch: int) -> None:
        """Take in which epoch begins, from 0: the divergence's weight rises over the first."""
        self._warm = min(1.0, (epoch + 1) / max(1, self.config.kl_warmup))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head and, while training, `loss:<name>`."""
        records = self.reader(batch)
        if self.training:
            return self._trained(records)
        filled = self._filled(records)
        return self._answers(filled, self._fused(filled))

    def impute(self, batch: dict[str, Tensor]) -> Imputation:
        """Return what absent modalities are taken to be."""
        records = self.reader(batch)
        _, rounds = self.imputer(records, self.project)
        # The first is the autoencoder's, before any refinement.
        refined = rounds[1:] or rounds
        last = refined[-1]
        return Imputation(
            modalities=self.layout.names,
            mean=self.layout.values(last.mean),
            sd=self.layout.values(last.log_sd.exp()),
            confidence=torch.where(records.present, 1.0, last.confidence.sigmoid()),
            rounds=torch.stack([each.spread() for each in refined]),
        )

    def masked(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head from what is there alone, nothing being imputed."""
        records = self.reader(batch)
        filled = self._filled(records)
        seen = replace(filled, weight=filled.weight * records.present)
        return self._answers(seen, self._fused(seen))

    def targets(self, batch: dict[str, Tensor]) -> Values:
        """Return modality → `[B, W]`, patches pooled, 0 where absent."""
        return self.layout.values(self.reader(batch).values)

    def embed(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[B, D]` the patients' embeddings, which the heads' deep part answers from."""
        return self._fused(self._filled(self.reader(batch)))

    def active_units(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[Z]` the variance over records of the latent's mean."""
        latent, _ = self.imputer(self.reader(batch), self.project)
        return latent.mean.var(0, correction=0)

    def _filled(self, records: Records, estimate: Estimate | None = None) -> Filled:
        """Return the records with what they lack imputed.

        Args:
            records: what is there.
            estimate: of the imputer, where it is there already.
        """
        found = estimate or self.imputer(records, self.project)[1][-1]
        there = self.layout.spread(records.present)
        values = torch.where(there, records.values, self._given(found.mean))
        tokens = self.enter(self.project(values, records.present))
        weight = self.gate(
            tokens,
            quality=records.quality,
            present=records.present,
            confidence=self._given(found.confidence.sigmoid()),
            sd=self._given(found.spread()),
        )
        return Filled(values=values, tokens=tokens, weight=weight)

    def _fused(self, filled: Filled) -> Tensor:
        return self.fusion(filled.tokens, filled.weight)

    def _answers(self, filled: Filled, fused: Tensor) -> dict[str, Tensor]:
        deep, wide = self.heads(fused), self.wide(filled.values, filled.weight)
        return {name: logits + wide[name] for name, logits in deep.items()}

    def _given(self, values: Tensor) -> Tensor:
        return values.detach() if self.training else values

    def _trained(self, records: Records) -> dict[str, Tensor]:
        views = together(self._view(records), self._view(records))
        latent, rounds = self.imputer(views, self.project)
        filled = self._filled(views, rounds[-1])
        fused = self._fused(filled)
        one, two = self.contrast(fused).chunk(2)
        own = self._imputing(records, views, latent, rounds)
        own["contrastive"] = losses.info_nce(one, two, temperature=self.config.temperature)
        logits = self._answers(filled.first_half(), fused.chunk(2)[0])
        return {**logits, **{f"{OWN_LOSS}{name}": value for name, value in own.items()}}

    def _view(self, records: Records) -> Records:
        kept = hide(records.present, mode=self.config.moddrop_mode, chance=self.config.moddrop)
        return records.seen(kept, noise=self.config.emb_noise)

    def _imputing(
        self, records: Records, views: Records, latent: Latent, rounds: list[Estimate]
    ) -> dict[str, Tensor]:
        both, seen = together(records, records), views.present
        hidden = both.present & ~seen
        one, two = seen.chunk(2)
        first, second = rounds[-1].halves()
        return {
            "kl": self._warm * losses.divergence(latent, free_bits=self.config.free_bits),
            "impute": losses.imputation(
                rounds, both.values, hidden=hidden, seen=seen, known=both.known
            ),
            "consistency": losses.consistency(first, second, ~(one | two)),
        }


def _imputer(config: hcat.Config, layout: Layout) -> Imputer:
    return Imputer(
        layout,
        d_model=config.d_model,
        latent=config.latent,
        scales=config.scales,
        heads=config.n_heads,
        dropout=config.dropout,
        rounds=config.n_impute_iterations if config.use_advanced_imputation else 0,
    )
