"""What attention did with one sequence, as numbers: it says what was mixed, not what counts.

Letters: `L` layers, `H` heads, `S` events, oldest first; weights `[L, H, S, S]` from (third axis)
and to (last axis), of real events alone, so that every row sums to 1.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def rollout(layers: Iterable[Floats], pooling: Floats) -> Floats:
    """Return `[S]` how much of each event's input reached the record's vector; sums to 1.

    Abnar and Zuidema 2020, ACL, 4190: the product of the layers' weights, mean over heads, half of
    each being what passes by the attention. That half is the method's assumption, no measurement.
    Begun at the pooling, it takes no product of two matrices of a long sequence.

    Args:
        layers: `[H, S, S]` of each layer, the last one first.
        pooling: `[P, S]` weights of the pooling's heads.
    """
    found = pooling.mean(axis=0)
    for weights in layers:
        found = 0.5 * found @ weights.mean(axis=0) + 0.5 * found
    return found


def distances(layers: Floats, places: npt.ArrayLike) -> Floats:
    """Return `[L, H]` mean distance that attention reaches over, weighted by attention.

    Args:
        layers: `[L, H, S, S]`.
        places: `[S]` hours before the prediction, or the events' numbers.
    """
    return np.einsum("lhqk,qk->lh", layers, _apart(places)) / layers.shape[-1]


def even_distance(places: npt.ArrayLike) -> float:
    """Return that distance for attention that is the same on all events: what global would be."""
    return float(_apart(places).mean())


def entropies(layers: Floats) -> Floats:
    """Return `[L, H]` mean entropy of an event's attention, as a share of the largest possible.

    0: all on one event, 1: the same on all. NaN of a sequence of one event, which has no choice.

    Args:
        layers: `[L, H, S, S]`.
    """
    size = layers.shape[-1]
    if size < 2:
        return np.full(layers.shape[:2], np.nan)
    logs = np.log(layers, out=np.zeros_like(layers), where=layers > 0)
    return -(layers * logs).sum(axis=-1).mean(axis=-1) / np.log(size)


def received(layers: Floats) -> Floats:
    """Return `[L, H, S]` attention that each event gets, mean over the events that give it."""
    return layers.mean(axis=2)


def cosines(encoded: Floats, query: Floats) -> Floats:
    """Return `[S]` cosine between the encoder's output `[S, D]` and the query `[D]`; NaN of a 0."""
    sizes = np.linalg.norm(encoded, axis=1) * np.linalg.norm(query)
    return np.divide(encoded @ query, sizes, out=np.full(len(encoded), np.nan), where=sizes > 0)


def _apart(places: npt.ArrayLike) -> Floats:
    own = np.asarray(places, np.float64)
    return np.abs(own[:, None] - own)
