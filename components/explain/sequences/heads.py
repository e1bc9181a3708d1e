"""What the heads of the attention look at, by kind and by time, and how far: measured weights.

Attention, not importance. Heads are those of one network; another's have other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from components.core.attribution.event_groups import WINDOWS
from components.core.data.stored_events import EVENT_KINDS
from components.explain.sequences.gathered import Sequences, Stay
from components.explain.sequences.recording import Attended
from components.explain.sequences.spans import members, span_of
from components.explain.sequences.tables import Told, told

Floats = npt.NDArray[np.float64]
GROUPS = (*EVENT_KINDS, *WINDOWS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """What heads look at.

    Attributes:
        names: `R` rows: heads of the pooling, then of each layer.
        weight: `[R, G]` mean share of a head's attention on events of each of `GROUPS`.
        even: `[G]` share of the events that they are: what a head would give that prefers none.
        told: both with intervals.
    """

    names: tuple[str, ...]
    weight: Floats
    even: Floats
    told: Told

    @property
    def preference(self) -> Floats:
        """Return `[R, G]` log2 of weight over share of the events: 1 is twice as much as even."""
        ratio = np.divide(self.weight, self.even, out=np.full(self.weight.shape, np.nan),
                          where=(self.even > 0) & (self.weight > 0))  # fmt: skip
        return np.log2(ratio)


def head_names(of: Attended) -> tuple[str, ...]:
    """Return the names of the pooling's heads and of each layer's, counted from 1."""
    layers, heads = of.distance.shape
    pool = [f"pooling head {p + 1}" for p in range(len(of.pooling))]
    return (*pool, *layer_names(layers, heads))


def layer_names(layers: int, heads: int) -> list[str]:
    """Return the names of the heads of each layer, counted from 1."""
    return [f"layer {k + 1} head {h + 1}" for k in range(layers) for h in range(heads)]


def specialization(own: Sequences) -> Heads:
    """Return each head's weight by kind and by time; some stay's attention must be recorded."""
    names = head_names(own.attended()[0][1])
    rows, width = len(names), len(GROUPS)
    weight = own.per_attended(lambda s, a: (_weights(a) @ _groups(s)).ravel(), rows * width)
    even = own.per_attended(lambda s, _: _groups(s).mean(axis=0), width)
    labels = [{"head": name, "group": group} for name in names for group in GROUPS]
    labels += [{"head": "share of the events", "group": group} for group in GROUPS]
    found = told(np.concatenate([weight, even], axis=1),
                 [{"head": each["head"], "of": each["group"]} for each in labels],
                 own.of, figure="attention", caption="Attention by kind and time")  # fmt: skip
    return Heads(
        names=names,
        weight=np.nanmean(weight, axis=0).reshape(rows, width),
        even=np.nanmean(even, axis=0),
        told=found,
    )


def layer_patterns(own: Sequences) -> list[Told]:
    """Return how local and how concentrated each layer's heads are.

    Distances in hours, also as a share of that of even attention on the same stay; entropies as a
    share of the largest possible.
    """
    first = own.attended()[0][1]
    shape = first.distance.shape
    labels = [{"head": name} for name in layer_names(*shape)]
    size = len(labels)
    columns = {
        "distance in hours": own.per_attended(lambda _, a: a.distance.ravel(), size),
        "distance against even attention": own.per_attended(_relative, size),
        "entropy": own.per_attended(lambda _, a: a.entropy.ravel(), size),
    }
    notes = {
        "distance in hours": "Between the event that attends and the one attended to.",
        "distance against even attention": "Below 1: more local than attention that is the same on "
        "all events of the stay; at 1 global. Stays whose events are all of one time are left out.",
        "entropy": "0: all on one event, 1: the same on all.",
    }
    return [
        told(values, labels, own.of, figure=name, caption=f"Layer patterns (attention): {name}",
             note=notes[name])
        for name, values in columns.items()
    ]  # fmt: skip


def query(own: Sequences) -> dict[str, Told]:
    """Return how near the query lies to what the encoder makes of events, and what it says.

    By kind and by window the mean cosine; of each pooling head the rank correlation of cosine and
    weight over a stay's events: near 0 where the head looks at other directions than the query's.
    """
    heads = len(own.attended()[0][1].pooling)
    cosine = own.per_attended(_cosines, len(GROUPS))
    ranks = own.per_attended(lambda _, a: _ranks(a), heads)
    return {
        "cosine": told(cosine, [{"of": name} for name in GROUPS], own.of,
                       figure="cosine with the query", caption="Cosine with the query"),
        "ranks": told(ranks, [{"of": f"pooling head {p + 1}"} for p in range(heads)], own.of,
                      figure="rank correlation of cosine and weight",
                      caption="Rank correlation of cosine and weight"),
    }  # fmt: skip


def _weights(of: Attended) -> Floats:
    return np.concatenate([of.pooling, of.received.reshape(-1, len(of.hours))])


def _groups(stay: Stay) -> Floats:
    kinds = members(stay.events.kind, len(EVENT_KINDS))
    return np.concatenate([kinds, members(span_of(stay.events.hours), len(WINDOWS))], axis=1)


def _relative(_: Stay, of: Attended) -> Floats:
    return of.distance.ravel() / of.even if of.even > 0 else np.full(of.distance.size, np.nan)


def _cosines(stay: Stay, of: Attended) -> Floats:
    groups = _groups(stay)
    known = np.isfinite(of.cosine)
    count = groups[known].sum(axis=0)
    total = of.cosine[known] @ groups[known]
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _ranks(of: Attended) -> Floats:
    if len(of.hours) < 3:  # two ranks always agree or disagree
        return np.full(len(of.pooling), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([_rank(of.cosine, weights) for weights in of.pooling])


def _rank(cosine: Floats, weights: Floats) -> float:
    if np.ptp(cosine) == 0 or np.ptp(weights) == 0:
        return float("nan")
    return float(spearmanr(cosine, weights).statistic)
