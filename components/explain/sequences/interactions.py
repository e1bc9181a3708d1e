"""Interactions by ablation of pairs: what two groups do together beyond what each does alone.

f(x) − f(x without A) − f(x without B) + f(x without both), on log-odds (the second difference of
Friedman and Popescu 2008, Ann Appl Stat 2:916, at one record). Above 0: together they speak more
for the event than the sum of what each loses alone; below 0: one stands in for the other.
Events are taken out; a static variable takes its mean over the training part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
import numpy.typing as npt
import torch

from components.core.attribution.event_groups import NAMES, cells_of, groups_of, there_of
from components.core.attribution.groups import variables
from components.core.data.batches import Batch
from components.core.progress import progress
from components.explain.lots import lots
from components.explain.subject import Subject

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]
KIND, WINDOW, STATIC = "event_kind", "event_window", "variable"


@dataclass(frozen=True, kw_only=True, eq=False)
class Interactions:
    """What pairs of groups do together.

    Attributes:
        pairs: names of each.
        values: `[n, pairs]` log-odds; NaN where a record lacks one of the two.
    """

    pairs: tuple[Pair, ...]
    values: Floats


def of_kinds(subject: Subject) -> Interactions:
    """Return the interactions between every two kinds of events, `[n, 10]`."""
    names = NAMES[KIND]
    return _ablated(subject, (KIND, KIND), tuple(combinations(names, 2)))


def of_static(subject: Subject) -> Interactions:
    """Return the interactions between every static variable and every time window."""
    names = variables(subject.rows.stats.tabular)[0]
    return _ablated(subject, (STATIC, WINDOW), tuple(product(names, NAMES[WINDOW])))


def second_difference(full: Floats, first: Floats, second: Floats, both: Floats) -> Floats:
    """Return `[n]` f(x) − f(x∖A) − f(x∖B) + f(x∖A,B) of log-odds `[n]`."""
    return full - first - second + both


def passes(subject: Subject) -> int:
    """Return the forward passes of one network that a record's interactions cost."""
    kinds, windows = len(NAMES[KIND]), len(NAMES[WINDOW])
    static = len(variables(subject.rows.stats.tabular)[0])
    return 1 + kinds + kinds * (kinds - 1) // 2 + (
        1 + static + windows + static * windows if static else 0
    )  # fmt: skip


def _ablated(subject: Subject, of: Pair, pairs: Sequence[Pair]) -> Interactions:
    if not pairs:
        return Interactions(pairs=(), values=np.zeros((len(subject), 0)))
    parts: list[Floats] = []
    words = f"explain: interactions of {of[0]} and {of[1]}".replace("_", " ")
    with progress(words, len(subject), "records") as advance:
        for lot in lots(subject, np.arange(len(subject))):
            parts.append(_lot(_Ablation(subject, subject.batch(lot)), of, pairs))
            advance(len(lot))
    return Interactions(pairs=tuple(pairs), values=np.concatenate(parts))


def _lot(ablation: _Ablation, of: Pair, pairs: Sequence[Pair]) -> Floats:
    full = ablation.log_odds()
    named = [((of[0], a), (of[1], b)) for a, b in pairs]
    alone = {group: ablation.log_odds(group) for group in dict.fromkeys(chain(*named))}
    columns = [
        np.where(
            ablation.has(*a) & ablation.has(*b),
            second_difference(full, alone[a], alone[b], ablation.log_odds(a, b)),
            np.nan,
        )
        for a, b in named
    ]
    return np.stack(columns, axis=1)


class _Ablation:
    """A batch whose groups can be taken out."""

    def __init__(self, subject: Subject, batch: Batch) -> None:
        self._subject, self._batch = subject, batch
        self._cells = cells_of(batch)
        self._there = {kind: there_of(kind, self._cells.cpu().numpy()) for kind in (KIND, WINDOW)}

    def log_odds(self, *gone: Pair) -> Floats:
        """Return `[n]` without the named groups, each a kind of groups and a name."""
        changed = dict(self._batch)
        for kind, name in gone:
            changed |= self._without_variable(changed, name) if kind == STATIC else (
                self._without_events(changed, kind, name)
            )  # fmt: skip
        return self._subject.log_odds(changed)

    def has(self, kind: str, name: str) -> npt.NDArray[np.bool_]:
        """Return `[n]` whether the records have the group."""
        if kind != STATIC:
            return self._there[kind][:, NAMES[kind].index(name)]
        mask = self._batch.get("tabular_mask")
        if mask is None:
            return np.ones(len(self._cells), np.bool_)
        return np.asarray(mask.cpu().numpy() > 0, np.bool_)

    def _without_events(self, batch: Batch, kind: str, name: str) -> Batch:
        gone = groups_of(kind, self._cells) == NAMES[kind].index(name)
        return {"events_valid": batch["events_valid"].masked_fill(gone, 0)}

    def _without_variable(self, batch: Batch, name: str) -> Batch:
        names, ids = variables(self._subject.rows.stats.tabular)
        own = torch.from_numpy(ids == names.index(name)).to(batch["tabular"].device)
        mean = self._subject.tabular_mean.to(batch["tabular"])
        return {"tabular": torch.where(own, mean, batch["tabular"])}
