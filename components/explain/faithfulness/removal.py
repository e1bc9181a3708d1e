"""Groups of inputs set to the baseline: what deletion and insertion ask a network.

Shapes: `B` records, `G` groups, `K` leads, `L` samples, `F` encoded columns.
Events are taken out of the sequence: their validity is set to 0, not what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.event_groups import NAMES, cells_of, groups_of
from components.core.attribution.groups import BLOCKS, SEGMENTS, Grouped
from components.core.data.batches import Batch
from components.core.data.tabular import TabularEncoder
from components.core.errors import CardioError
from components.core.modalities import EVENTS
from components.explain.faithfulness.parts import PART, parts, split
from components.explain.lots import tiles_of
from components.explain.subject import Subject

Flags = npt.NDArray[np.bool_]
VALID = "events_valid"
# In the order of preference: the finest that means something first.
PREFERRED = ("lead_segment", "variable", "lead", "segment", "modality")


@dataclass(frozen=True, kw_only=True, eq=False)
class Removal:
    """Some records, with any of their groups removed.

    Attributes:
        subject: whose networks answer.
        batch: `B` finished records.
        base: modality → baseline; of events, the validity of their steps → 0.
        group: a key of `base` → number of the group that each element is of, −1 for none, in a
            shape that broadcasts over the batch's tensor.
    """

    subject: Subject
    batch: Batch
    base: Batch
    group: dict[str, Tensor]

    def log_odds(self, gone: Flags) -> npt.NDArray[np.float64]:
        """Return `[B]` log-odds without the groups that `gone` `[B, G]` marks."""
        flags = torch.from_numpy(gone).to(next(iter(self.base.values())).device)
        changed = {name: self._without(name, flags) for name in self.group}
        return self.subject.log_odds({**self.batch, **changed})

    def _without(self, name: str, gone: Tensor) -> Tensor:
        group, own = self.group[name], self.batch[name]
        padded = torch.cat([gone, gone.new_zeros(len(gone), 1)], dim=1)
        place = group.where(group >= 0, gone.shape[1]).expand(len(gone), *group.shape[1:])
        marked = padded.gather(1, place.flatten(1)).view(place.shape)
        return torch.where(marked, self.base[name], own)


def removal(subject: Subject, index: npt.NDArray[np.int64], grouped: Grouped) -> Removal:
    """Return some records, ready to have the groups of a kind removed."""
    batch = subject.batch(index)
    found = {
        name: numbers.to(subject.place.device)
        for name, numbers in _numbers(subject, index, grouped).items()
    }
    base = subject.baselines(batch)
    if EVENTS in subject.inputs:
        base |= {VALID: torch.zeros_like(batch[VALID])}
    return Removal(subject=subject, batch=batch, base=base, group=found)


def _numbers(subject: Subject, index: npt.NDArray[np.int64], grouped: Grouped) -> dict[str, Tensor]:
    """Return key of the batch → group of each element, broadcasting over `[B, …]`."""
    if grouped.kind in ("lead_segment", "segment"):
        return {"ecg": _cells(subject, index, by_lead=grouped.kind == "lead_segment")}
    if grouped.kind == "lead":
        leads = torch.arange(len(subject.leads))[None, :, None]
        return {"ecg": leads.expand(1, -1, _length(subject))}
    if grouped.kind == "variable":
        return {"tabular": variable_numbers(subject.rows.stats.tabular, grouped.names)[None]}
    if grouped.kind == "modality":
        batch = subject.batch(index[:1])
        keys = [VALID if name == EVENTS else name for name in grouped.names]
        # One number for a whole tensor: sequences of other records have other lengths.
        return {
            key: torch.full((1, *[1] * (batch[key].dim() - 1)), number)
            for number, key in enumerate(keys)
        }
    if grouped.kind in NAMES:
        return {VALID: groups_of(grouped.kind, cells_of(subject.batch(index)))}
    if grouped.kind in ("region", "patch", "band", *BLOCKS.values()):
        tiles = tiles_of(subject)[grouped.kind]
        return {tiles.modality: torch.from_numpy(tiles.numbers)[None]}
    if grouped.kind == PART:
        return _of_parts(subject, index, grouped)
    raise CardioError(f"groups of the kind '{grouped.kind}' cannot be removed; leave it out")


def _of_parts(
    subject: Subject, index: npt.NDArray[np.int64], grouped: Grouped
) -> dict[str, Tensor]:
    """Return the numbers of several kinds' groups, those of one kind after those of another."""
    found: dict[str, Tensor] = {}
    first = 0
    for kind, names in split(grouped.names):
        own = Grouped(kind=kind, names=names, values=grouped.values[:, :0])
        for modality, numbers in _numbers(subject, index, own).items():
            found[modality] = (numbers + first).where(numbers >= 0, -1)
        first += len(names)
    return found


def _cells(subject: Subject, index: npt.NDArray[np.int64], *, by_lead: bool) -> Tensor:
    if subject.segments is None:
        raise CardioError("groups of beat segments need an ECG; choose another kind of groups")
    segment = torch.from_numpy(subject.segments[index].astype(np.int64))[:, None, :]
    first = torch.arange(len(subject.leads))[None, :, None] * len(SEGMENTS)
    cell = segment + (first if by_lead else torch.zeros_like(first))
    return cell.where(segment >= 0, -1)


def _length(subject: Subject) -> int:
    return int(subject.batch(np.array([0]))["ecg"].shape[-1])


def variable_numbers(encoder: TabularEncoder, names: tuple[str, ...]) -> Tensor:
    """Return `[F]` number in `names` of the variable that each encoded column is of.

    A number and its missing indicator are one variable, and so are all levels of a category.
    """
    own = [(c.name, 1 + c.indicator) for c in encoder.numeric]
    own += [(c.name, len(c.levels)) for c in encoder.categorical]
    numbers = [names.index(name) if name in names else -1 for name, _ in own]
    return torch.tensor(np.repeat(numbers, [width for _, width in own]), dtype=torch.long)


def preferred(grouped: dict[str, Grouped]) -> Grouped | None:
    """Return the finest groups that a method gives, at least two of them; None without any.

    With pictures, sounds, embeddings or events, those of all modalities together (`parts`).
    """
    together = parts(grouped)
    if together is not None:
        return together if len(together.names) > 1 else None
    for kind in PREFERRED:
        if kind in grouped and len(grouped[kind].names) > 1:
            return grouped[kind]
    return None
