"""Local branches of modalities that belong together, and their fusion with the whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.hcat.attention import Attention, AttentionPool, Layer

LOCAL: dict[str, tuple[EmbeddingModality, ...]] = {
    "temporal": ("emb_clinical", "emb_temporal"),
    "spatial": ("emb_pathological", "emb_spatial"),
}
SEMANTIC: EmbeddingModality = "emb_semantic"


class LocalBranch(nn.Module):
    """Some of the tokens `[B, M, D]` → `[B, D]`: one Transformer layer among them, pooled."""

    def __init__(self, places: Sequence[int], *, d_model: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.places = tuple(places)
        self.layer = Layer(d_model, heads=heads, dropout=dropout)
        self.pool = AttentionPool(d_model)

    def forward(self, tokens: Tensor, weight: Tensor) -> Tensor:
        """Return the branch's vector."""
        own, counts = tokens[:, self.places], weight[:, self.places]
        return self.pool(self.layer(own, counts), counts)


class SemanticBranch(nn.Module):
    """The semantic token of `[B, M, D]` → `[B, D]`."""

    def __init__(self, place: int, *, d_model: int, dropout: float) -> None:
        super().__init__()
        self.places = (place,)
        self.body = nn.Sequential(
            nn.LayerNorm(d_model), nn.Linear(d_model, d_model), nn.GELU(), Dropout(dropout)
        )

    def forward(self, tokens: Tensor, weight: Tensor) -> Tensor:
        """Return the branch's vector; its weight counts in the fusion alone."""
        del weight
        return self.body(tokens[:, self.places[0]])


def branches(
    modalities: Sequence[EmbeddingModality], *, d_model: int, heads: int, dropout: float
) -> nn.ModuleDict:
    """Return the branches for which the model has at least one modality."""
    found: dict[str, nn.Module] = {}
    for name, members in LOCAL.items():
        places = [modalities.index(each) for each in members if each in modalities]
        if places:
            found[name] = LocalBranch(places, d_model=d_model, heads=heads, dropout=dropout)
    if SEMANTIC in modalities:
        place = modalities.index(SEMANTIC)
        found["semantic"] = SemanticBranch(place, d_model=d_model, dropout=dropout)
    return nn.ModuleDict(found)


class Fusion(nn.Module):
    """Tokens `[B, M, D]` of all modalities → the patient's embedding `[B, D]`.

    A Transformer over all tokens, pooled by attention, asks the branches for what they found.

    Args:
        modalities: of the model, in the order of the tokens.
        d_model: D.
        heads: of every attention.
        layers: of the global Transformer.
        dropout: inside layers.
    """

    def __init__(
        self,
        modalities: Sequence[EmbeddingModality],
        *,
        d_model: int,
        heads: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.branches = branches(modalities, d_model=d_model, heads=heads, dropout=dropout)
        self.layers = nn.ModuleList(
            Layer(d_model, heads=heads, dropout=dropout) for _ in range(layers)
        )
        self.pool = AttentionPool(d_model)
        self.ask, self.answer = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.cross = Attention(d_model, heads=heads, dropout=dropout)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, tokens: Tensor, weight: Tensor) -> Tensor:
        """Return the embedding; `weight` `[B, M]` says how much each token counts."""
        whole = tokens
        for layer in self.layers:
            whole = layer(whole, weight)
        pooled = self.pool(whole, weight)
        found = [pooled, *(branch(tokens, weight) for branch in self.branches.values())]
        counts = [torch.ones_like(weight[:, 0]), *self._counts(weight)]
        keys = self.answer(torch.stack(found, dim=1))
        told = self.cross(self.ask(pooled)[:, None], keys, torch.stack(counts, dim=1))
        return self.norm(pooled + told[:, 0])

    def _counts(self, weight: Tensor) -> list[Tensor]:
        return [weight[:, each.places].amax(1) for each in self.branches.values()]  # pyright: ignore[reportArgumentType, reportCallIssue]
