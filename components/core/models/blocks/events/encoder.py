"""A Transformer encoder over steps of which some are padding; its weights on demand.

Attention is the library's. The library's own encoder is not used: it gives no weights, and in
evaluation its fast path keeps S × S numbers and sets padded steps to 0. Sequences come as
`[S, B, D]`, which keeps the attention off that path, too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.core.models.blocks.dropout import Dropout

# Without it four layers whose norms come last do not learn at the higher rates (docs/LOG.md).
_GAIN = 0.1


class Layer(nn.Module):
    """One layer `[S, B, D]` → `[S, B, D]` (Vaswani et al., NeurIPS 2017).

    What attention and dense part add is multiplied by learned gains, one an entry, that start small
    (LayerScale: Touvron et al., ICCV 2021). With gains of 1 the layer is
    `torch.nn.TransformerEncoderLayer`, after which its parts are named.

    Args:
        width: D.
        heads: of the attention.
        feedforward: width of the dense part.
        dropout: of the dense part, and of what attention and dense part add; not of attention
            weights.
        norm_first: normalise what goes into each part (Xiong et al., ICML 2020), not what comes
            out.
    """

    def __init__(
        self, width: int, *, heads: int, feedforward: int, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        # Dropping weights, too, would keep S × S numbers of every layer on a CPU (docs/LOG.md).
        self.self_attn = nn.MultiheadAttention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, feedforward), nn.Linear(feedforward, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.gain1, self.gain2 = (nn.Parameter(torch.full((width,), _GAIN)) for _ in range(2))
        self.drop = Dropout(dropout)

    def forward(
        self, steps: Tensor, padding: Tensor, *, weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return the steps and, if asked for, the attention weights `[B, heads, S, S]`.

        Args:
            steps: `[S, B, D]`.
            padding: `[B, S]` bool, True where there is no event; not all of a record.
            weights: return them, too; S × S numbers a record and head are kept only then.
        """
        if self.norm_first:
            found, own = self._attend(self.norm1(steps), padding, weights=weights)
            steps = steps + found
            return steps + self._dense(self.norm2(steps)), own
        found, own = self._attend(steps, padding, weights=weights)
        steps = self.norm1(steps + found)
        return self.norm2(steps + self._dense(steps)), own

    def _attend(
        self, steps: Tensor, padding: Tensor, *, weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        found, own = self.self_attn(
            steps, steps, steps, key_padding_mask=padding,
            need_weights=weights, average_attn_weights=False,
        )  # fmt: skip
        return self.gain1 * self.drop(found), own

    def _dense(self, steps: Tensor) -> Tensor:
        dense = self.linear2(self.drop(self.linear1(steps).relu()))
        return self.gain2 * self.drop(dense)


class Encoder(nn.Module):
    """Layers over the steps of every record, `[B, S, D]` → `[B, S, D]`.

    Args:
        width: D.
        layers: how many.
        heads: of each layer's attention.
        feedforward: width inside a layer.
        dropout: inside the layers.
        norm_first: normalise before attention and dense part; the last layer's sum once more.
    """

    def __init__(
        self,
        width: int,
        *,
        layers: int,
        heads: int,
        feedforward: int,
        dropout: float,
        norm_first: bool,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Layer(
                width, heads=heads, feedforward=feedforward, dropout=dropout, norm_first=norm_first
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width) if norm_first else nn.Identity()

    def forward(
        self, steps: Tensor, padding: Tensor, *, weights: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the steps and, if asked for, each layer's weights `[B, heads, S, S]`.

        Args:
            steps: `[B, S, D]`.
            padding: `[B, S]` bool, True where there is no event; not all of a record.
            weights: return them, too.
        """
        found: list[Tensor] = []
        own = steps.transpose(0, 1)
        for layer in self.layers:
            own, each = layer(own, padding, weights=weights)
            found += [] if each is None else [each]
        return self.norm(own).transpose(0, 1), found


class Pool(nn.Module):
    """Steps `[B, S, D]` → `[B, D]`, by what a learned query finds in those that are there.

    Args:
        width: D.
        heads: of the attention.
        dropout: of its weights.
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(width) / width**0.5)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout)

    def forward(self, steps: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors and the weights `[B, heads, 1, S]`.

        Args:
            steps: `[B, S, D]`.
            padding: `[B, S]` bool, True where there is no event; not all of a record.
        """
        keys = steps.transpose(0, 1)
        query = self.query.to(steps.dtype).expand(1, len(steps), -1)
        found, weights = self.attention(
            query, keys, keys, key_padding_mask=padding, average_attn_weights=False
        )
        return found[0], weights
