"""Groups of inputs switched off one by one: what ablation and Shapley sampling ask a network.

Shapes: `B` records, `P` rows asked at once, `G` groups, `K` leads, `L` samples, `S` segments, `F`
encoded columns, `E` steps of the longest sequence of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from components.core.attribution.event_groups import NAMES, groups_of
from components.core.attribution.groups import SEGMENTS
from components.core.attribution.target import is_input
from components.core.attribution.tiles import Tiles
from components.core.data.batches import Batch

# A gate is exactly 0 or 1; Captum hands them on as floats.
_HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which gate switches what.

    Attributes:
        names: kind (of `core.attribution.groups.KINDS`) → its groups; gates in this order.
    """

    names: Mapping[str, tuple[str, ...]]

    @property
    def width(self) -> int:
        """Return the number of gates `G`."""
        return sum(len(names) for names in self.names.values())

    def columns(self, kind: str) -> slice:
        """Return the gates of a kind."""
        start = 0
        for name, groups in self.names.items():
            if name == kind:
                return slice(start, start + len(groups))
            start += len(groups)
        return slice(0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Switch:
    """`f(gates, record) -> [P]` log-odds of records some of whose groups are switched off.

    A gate of 1 keeps a group, 0 puts its replacement there; gates of different kinds that hold the
    same sample must all keep it.

    Attributes:
        target: batch → `[B]`.
        batch: `B` finished records.
        layout: of the gates.
        baselines: modality → what replaces a group within it, in the shape of the batch's tensor.
        gone: modality → key → what replaces the batch's tensors where the modality is switched off.
        segments: `[B, L]` index into `SEGMENTS`, −1 where no gate of a segment reaches; None
            without ECG. With them, the layout has the kind `segment`.
        variables: `[F]` number of the variable that each encoded column is of; None where none is
            switched.
        tiles: kind → the groups that tile an array modality, for kinds of the layout.
        cells: `[B, E]` cell of each event (`event_groups.cells_of`), −1 in padding; None where no
            gate is of events. What is switched off is taken out of the sequence, as if it had not
            happened; the others keep their places.
    """

    target: nn.Module
    batch: Batch
    layout: Layout
    baselines: Batch
    gone: Mapping[str, Batch]
    segments: Tensor | None = None
    variables: Tensor | None = None
    tiles: Mapping[str, Tiles] = field(default_factory=dict[str, Tiles])
    cells: Tensor | None = None

    def __call__(self, gates: Tensor, record: Tensor) -> Tensor:
        """Return `[P]` log-odds.

        Args:
            gates: `[P, G]` of 0 and 1.
            record: `[P]` number of the record that each row is of.
        """
        kept = gates > _HALF
        own = {key: value[record] for key, value in self.batch.items() if is_input(key)}
        if self.segments is not None:
            keep = self._ecg(kept, self.segments[record])
            own["ecg"] = torch.where(keep, own["ecg"], self.baselines["ecg"][record])
        if self.variables is not None:
            keep = kept[:, self.layout.columns("variable")][:, self.variables]
            own["tabular"] = torch.where(keep, own["tabular"], self.baselines["tabular"][record])
        for kind, tiles in self.tiles.items():
            numbers = torch.from_numpy(tiles.numbers).to(kept.device)
            keep = kept[:, self.layout.columns(kind)][:, numbers]
            base = self.baselines[tiles.modality][record]
            own[tiles.modality] = torch.where(keep, own[tiles.modality], base)
        if self.cells is not None:
            there = self._events(kept, self.cells[record])
            own["events_valid"] = own["events_valid"] * there.to(own["events_valid"].dtype)
        first = self.layout.columns("modality").start
        for number, name in enumerate(self.layout.names.get("modality", ())):
            for key, value in self.gone[name].items():
                keep = kept[:, first + number].reshape(-1, *[1] * (value.dim() - 1))
                own[key] = torch.where(keep, own[key], value[record])
        return self.target(own)

    def _events(self, kept: Tensor, cells: Tensor) -> Tensor:
        """Return `[P, E]` which events are kept; padding is."""
        keep = kept.new_ones(cells.shape)
        for kind in (name for name in NAMES if name in self.layout.names):
            own, group = kept[:, self.layout.columns(kind)], groups_of(kind, cells)
            # One more than the groups: padding.
            padded = torch.cat([own, own.new_ones(len(own), 1)], dim=1)
            keep &= padded.gather(1, group.where(group >= 0, own.shape[1]))
        return keep

    def _ecg(self, kept: Tensor, segments: Tensor) -> Tensor:
        """Return `[P, K, L]` which samples are kept."""
        leads = self.batch["ecg"].shape[1]
        # One more than the segments: samples of a record in which no beat is found.
        keep = kept.new_ones((len(kept), leads, len(SEGMENTS) + 1))
        if "lead_segment" in self.layout.names:
            cells = kept[:, self.layout.columns("lead_segment")]
            keep[:, :, :-1] &= cells.reshape(-1, leads, len(SEGMENTS))
        if "lead" in self.layout.names:
            keep &= kept[:, self.layout.columns("lead"), None]
        keep[:, :, :-1] &= kept[:, None, self.layout.columns("segment")]
        place = segments.long().where(segments >= 0, len(SEGMENTS))
        return keep.gather(2, place[:, None, :].expand(-1, leads, -1))
