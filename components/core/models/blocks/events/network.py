"""The whole of `event_transformer`: read the events, join them, add the table, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.modalities import EVENTS
from components.core.models.attending import AttentionRecord
from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.events.encoder import Encoder, Pool
from components.core.models.blocks.events.position import Positions
from components.core.models.blocks.events.temporal import EventAnswers
from components.core.models.blocks.mlp import Heads, present
from components.core.models.extra import OWN_LOSS
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import event_transformer

_FLOAT_BYTES = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What was read of B records, n of which have events.

    Attributes:
        vectors: `[B, D]`.
        rows: `[n]` the records that have events.
        encoded: `[n, S, D]`.
        layers: of each layer `[n, H, S, S]` attention weights; none where not asked for.
        pooling: `[n, P, 1, S]`.
    """

    vectors: Tensor
    rows: Tensor
    encoded: Tensor
    layers: list[Tensor]
    pooling: Tensor


class EventReader(nn.Module):
    """Batch with `events`, `events_valid` and, where one may be absent, `events_mask` → vectors.

    Records without any event do not pass through the encoder, whose attention would have nothing
    to look at; they get the learned `absent`.
    """

    def __init__(self, config: event_transformer.Config, steps: int) -> None:
        super().__init__()
        self.config = config
        self.project = nn.Linear(steps, config.d_model)
        self.positions = Positions(config.d_model)
        self.drop = Dropout(config.dropout)
        self.encoder = Encoder(
            config.d_model,
            layers=config.layers,
            heads=config.heads,
            feedforward=config.feedforward,
            dropout=config.dropout,
            norm_first=config.norm_first,
        )
        self.pool = Pool(config.d_model, heads=config.pool_heads, dropout=config.dropout)
        self.absent = nn.Parameter(torch.zeros(config.d_model))

    def forward(self, batch: dict[str, Tensor], *, weights: bool = False) -> Reading:
        """Return what was read; `weights` asks for those of the layers."""
        valid = read_steps(batch)
        rows = valid.any(1).nonzero()[:, 0]
        if not len(rows):
            return self._nothing(valid, rows)
        padding = ~valid[rows]
        steps = self.drop(self.positions(self.project(batch["events"][rows])))
        encoded, layers = self.encoder(steps, padding, weights=weights)
        vectors, pooling = self.pool(encoded, padding)
        whole = self.absent.to(vectors.dtype).expand(len(valid), -1).index_copy(0, rows, vectors)
        return Reading(vectors=whole, rows=rows, encoded=encoded, layers=layers, pooling=pooling)

    def _nothing(self, valid: Tensor, rows: Tensor) -> Reading:
        """Return the reading where no record has an event; attention takes no empty batch."""
        steps, own = valid.shape[1], self.config
        return Reading(
            vectors=self.absent.expand(len(valid), -1),
            rows=rows,
            encoded=self.absent.new_zeros(0, steps, own.d_model),
            layers=[self.absent.new_zeros(0, own.heads, steps, steps)] * own.layers,
            pooling=self.absent.new_zeros(0, own.pool_heads, 1, steps),
        )


def read_steps(batch: dict[str, Tensor]) -> Tensor:
    """Return `[B, S]` bool, which steps are events of records that are not masked."""
    valid, mask = batch["events_valid"] > 0, batch.get("events_mask")
    return valid if mask is None else valid & (mask[:, None] > 0)


class Static(nn.Module):
    """Encoded features `[B, F]` as they are; a learned row where a record has none of them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.absent = nn.Parameter(torch.zeros(width))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[B, F]`."""
        return present(batch["tabular"], batch.get("tabular_mask"), self.absent)


class EventModel(nn.Module):
    """The reader of events, the static features, and the dense layers and heads on both.

    While training with `temporal_weight` above 0, `loss:temporal` comes along. Data without events
    are answered from the table alone, so that the worth of the events can be measured.

    Attributes:
        droppable: what `fit.modality_dropout` may hide from a record, a learned vector in its
            place.

    Raises:
        ConfigError: the data hold neither events nor static features.
    """

    def __init__(self, config: event_transformer.Config, spec: DataSpec) -> None:
        super().__init__()
        if not (spec.events or spec.tabular):
            raise ConfigError(
                "the model needs event sequences or tabular columns, but the data hold none; "
                "ingest a source of events or use model.name=ecg"
            )
        self.config = config
        self.events = EventReader(config, spec.events) if spec.events else None
        self.static = Static(spec.tabular) if spec.tabular else None
        widths = {EVENTS: spec.events, "tabular": spec.tabular}
        self.droppable = tuple(name for name, width in widths.items() if width)
        features = (config.d_model if spec.events else 0) + spec.tabular
        first, second = config.hidden
        self.body = nn.Sequential(nn.Linear(features, first), nn.ReLU(), Dropout(config.dropout))
        self.heads = Heads(first, spec.heads, hidden=second, dropout=config.dropout)
        self.temporal = (
            EventAnswers(config.d_model, spec.heads, half_life=config.half_life_hours)
            if config.temporal_weight and spec.events
            else None
        )
        self.loss_weights = {"temporal": config.temporal_weight} if self.temporal else {}

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head and, while training, `loss:temporal` if asked for."""
        reading = None if self.events is None else self.events(batch)
        answers = self._answers(batch, reading)
        if self.training and self.temporal is not None and reading is not None:
            own = self.temporal.loss(reading.encoded, batch, reading.rows)
            answers[f"{OWN_LOSS}temporal"] = own
        return answers

    def absent(self, name: str) -> Tensor:
        """Return what stands in place of a modality of `droppable` (`core.models.stand_in`)."""
        part = self.events if name == EVENTS else self.static
        if part is None:
            raise ValueError(f"the model reads no {name}")
        return part.absent

    def weigh_classes(self, weights: Mapping[str, tuple[float, float]]) -> None:
        """Take in head → weights of negative and positive records, for `loss:temporal`."""
        if self.temporal is not None:
            self.temporal.weights = dict(weights)

    def _answers(self, batch: dict[str, Tensor], reading: Reading | None) -> dict[str, Tensor]:
        parts = [] if reading is None else [reading.vectors]
        parts += [] if self.static is None else [self.static(batch)]
        return self.heads(self.body(torch.cat(parts, dim=1)))

    def recorded(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], AttentionRecord]:
        """Return the logits of every head and the attention of the same pass, nothing dropped.

        Raises:
            ConfigError: the model was built for data without events.
        """
        if self.events is None:
            raise ConfigError(
                "the model reads no event sequences, so that it has no attention to record; "
                "ingest a source of events"
            )
        mode = self.training
        self.eval()
        try:
            reading = self.events(batch, weights=True)
            return self._answers(batch, reading), _record(self.events, batch, reading)
        finally:
            self.train(mode)

    def record_bytes(self, records: int, steps: int) -> int:
        """Return how many bytes a record of that many records and steps holds."""
        own = self.config
        each = own.layers * own.heads * steps + own.pool_heads + own.d_model + 1
        return _FLOAT_BYTES * (records * steps * each + own.d_model)


def _record(reader: EventReader, batch: dict[str, Tensor], reading: Reading) -> AttentionRecord:
    """Return the record of all B; padding, and who has no event, at 0."""
    valid, rows = read_steps(batch), reading.rows
    real = valid[rows]
    size = len(valid)
    layers = [_of_all(each * real[:, None, :, None], rows, size) for each in reading.layers]
    return AttentionRecord(
        layers=torch.stack(layers),
        pooling=_of_all(reading.pooling, rows, size),
        encoded=_of_all(reading.encoded * real[..., None], rows, size),
        query=reader.pool.query,
        valid=valid.float(),
    )


def _of_all(values: Tensor, rows: Tensor, size: int) -> Tensor:
    return values.new_zeros(size, *values.shape[1:]).index_copy(0, rows, values)
