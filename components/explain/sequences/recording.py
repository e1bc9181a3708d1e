"""What attention did with each stay, reduced to what is shown before the next stay is read.

The weights of one stay of 1,500 events take hundreds of megabytes: stays whose record is larger
than the cap are left out, and counted. Networks do not share their heads: what is told of heads is
told of one network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.event_groups import WINDOWS
from components.core.models.attending import Attending, AttentionRecord
from components.explain.sequences import attention
from components.explain.sequences.spans import between, span_of
from components.explain.subject import Subject

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MEGABYTE = 10**6
# Events beyond what a picture can show are joined with their neighbours.
BLOCKS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Attended:
    """What attention did with one stay of `S` events, oldest first.

    Letters: `L` layers, `H` heads of each, `P` of the pooling, `K` spans of time.

    Attributes:
        hours: `[S]` from each event to the prediction.
        pooling: `[P, S]` how much each event counts in the stay's vector; rows sum to 1.
        rolled: `[S]` rollout through layers and pooling; sums to 1.
        received: `[L, H, S]` attention that each event gets, mean over the events.
        spans: `[L, H, K, K]` attention from one span of time to another; NaN without events.
        blocks: `[L, H, M, M]` likewise between `M` runs of neighbouring events.
        distance: `[L, H]` hours that attention reaches over.
        even: the same for attention that is the same on all events.
        entropy: `[L, H]` 0 on one event, 1 the same on all; NaN of a single event.
        cosine: `[S]` between the encoder's output and the pooling's query.
    """

    hours: Floats
    pooling: Floats
    rolled: Floats
    received: Floats
    spans: Floats
    blocks: Floats
    distance: Floats
    even: float
    entropy: Floats
    cosine: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """What attention did with the stays of one network.

    Attributes:
        stays: record's number → what was recorded.
        too_long: stays whose record is larger than the cap.
        empty: stays without any event.
        networks: of the fold; the first of them was recorded.
    """

    stays: dict[int, Attended]
    too_long: int
    empty: int
    networks: int


def recorded(subject: Subject, *, megabytes: float) -> Recorded | None:
    """Return what attention did with a fold's records; None where its network has none to show.

    Args:
        subject: the fold.
        megabytes: largest record of one stay that is taken.
    """
    events, model = subject.rows.events, subject.target.models[0]
    if events is None or not isinstance(model, Attending):
        return None
    found: dict[int, Attended] = {}
    lengths = events.lengths.tolist()
    fits = [own > 0 and model.record_bytes(1, own) <= megabytes * MEGABYTE for own in lengths]
    for at in np.flatnonzero(fits).tolist():
        batch = subject.batch(np.array([at]))
        with torch.no_grad():
            record = model.recorded(batch)[1]
        found[at] = reduced(record, batch["events_hours"][0])
    empty = lengths.count(0)
    return Recorded(
        stays=found, empty=empty, too_long=len(lengths) - empty - len(found),
        networks=len(subject.target.models),
    )  # fmt: skip


def reduced(record: AttentionRecord, hours: Tensor) -> Attended:
    """Return what is shown of the record of one stay.

    Args:
        record: of one stay, padded or not.
        hours: `[S]` from each step to the prediction.
    """
    real = record.valid[0] > 0
    ago, size = _array(hours[real]), int(real.sum())
    layers = record.layers[:, 0][:, :, real][..., real]
    pooling = _array(record.pooling[0, :, 0][:, real])
    # One layer at a time in double precision: all of them would double the record.
    rolled = attention.rollout((_array(weights) for weights in layers.flip(0)), pooling)
    parts = [_layer(_array(weights)[None], ago, _blocks(size)) for weights in layers]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Attended(
        hours=ago, pooling=pooling, rolled=rolled, even=attention.even_distance(ago),
        cosine=attention.cosines(_array(record.encoded[0][real]), _array(record.query)), **joined,
    )  # fmt: skip


def _layer(weights: Floats, hours: Floats, blocks: Ints) -> dict[str, Floats]:
    return {
        "received": attention.received(weights),
        "spans": between(weights, span_of(hours), len(WINDOWS)),
        "blocks": between(weights, blocks, int(blocks.max()) + 1),
        "distance": attention.distances(weights, hours),
        "entropy": attention.entropies(weights),
    }


def _blocks(size: int) -> Ints:
    """Return `[S]` number of the run that each event is in: equal numbers of neighbours."""
    return np.arange(size) * min(size, BLOCKS) // size


def block_hours(hours: Floats) -> Floats:
    """Return `[M]` mean hours of each run of neighbouring events of `Attended.blocks`."""
    blocks = _blocks(len(hours))
    return np.bincount(blocks, weights=hours) / np.bincount(blocks)


def whole(found: Sequence[Attended], name: str) -> Floats:
    """Return `[n, ...]` mean-able figures of an attribute that has one shape in all stays."""
    return np.stack([np.asarray(getattr(each, name), np.float64) for each in found])


def _array(values: Tensor) -> Floats:
    return values.detach().double().cpu().numpy()
