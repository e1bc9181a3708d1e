"""Does the attribution run along the directions in which the risk was planted?

Integrated Gradients of an entry are the mean gradient times the entry, so that the gradient `g` is
known, and what it makes of the part of an embedding `x` that lies along a unit vector `u` is
`(g u)(u x)`; along `u` and along all that is at right angles to it add up to the attribution of the
embedding. The planted direction is that of the weights that the best linear model gives to the
entries. Two kinds of random directions of the same length stand beside it: any, and those in which
the factors move the embedding, be they of risk or not. Of an entry that is 0, as a missing one is,
the gradient is not known: all directions of that record lie within its other entries.
Shapes: `n` records, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient
from components.explain.planted_embeddings.facts import Embedded

# Random directions of each kind and embedding: their mean share then moves little.
RANDOM = 50
# Singular values below this part of the largest are rounding.
_NOTHING = 1e-8
_KINDS = ("share", "random", "moved")


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Of one embedding, or of all together.

    Attributes:
        share: of |attribution along| in |attribution along| + |attribution across| the planted
            direction.
        random: the same along random directions.
        moved: the same along random directions in which the factors move the embedding.
        over_random: `share / random`.
        over_moved: `share / moved`.
        records: that have it.
    """

    share: Interval
    random: Interval
    moved: Interval
    over_random: Interval
    over_moved: Interval
    records: int


def direction_sums(own: Embedded, entries: Floats, *, seed: int) -> Floats:
    """Return `[n, 6]` |along| and |along| + |across| of the planted and both kinds of directions.

    Args:
        own: the embedding.
        entries: `[n, W]` Integrated Gradients; NaN where a record lacks it. Those records are 0,
            and so is one whose other entries than 0 a direction has no part in.
        seed: of the random directions.
    """
    rng = np.random.default_rng(seed)
    known = np.asarray(np.isfinite(np.hstack([own.values, entries])).all(axis=1), np.bool_)
    values, said = own.values[known], entries[known]
    gradient = np.divide(said, values, out=np.zeros_like(said), where=values != 0)
    basis, size, _ = np.linalg.svd(own.loadings, full_matrices=False)
    moved = basis[:, size > _NOTHING * size[0]]
    random = rng.standard_normal((RANDOM, values.shape[1]))
    within = rng.standard_normal((RANDOM, moved.shape[1])) @ moved.T
    found = np.zeros((len(known), 2 * len(_KINDS)))
    sums = np.hstack(
        [
            _sums(gradient, values, own.weights[known][:, None]),
            *(_sums(gradient, values, each[None]) for each in (random, within)),
        ]
    )
    found[known] = np.where(np.isnan(sums).any(axis=1, keepdims=True), 0.0, sums)
    return found


def _sums(gradient: Floats, values: Floats, along: Floats) -> Floats:
    """Return `[n, 2]` of directions `[n or 1, R, W]` of any length, means over the R.

    NaN where a direction has no part in a record's entries other than 0.
    """
    shape = (len(values), *along.shape[1:])
    every, squares = (np.broadcast_to(each, shape) for each in (along, along**2))
    part = quotient(
        np.einsum("nw,nrw->nr", gradient, every) * np.einsum("nw,nrw->nr", values, every),
        np.einsum("nw,nrw->nr", (values != 0).astype(np.float64), squares),
    )
    whole = (gradient * values).sum(axis=1, keepdims=True)
    size = np.abs(part)
    return np.stack([size.mean(axis=1), (size + np.abs(whole - part)).mean(axis=1)], axis=1)


def directions(found: Mapping[str, Floats], *, patients: Ids, plan: Plan) -> dict[str, Direction]:
    """Return name → how much runs along the planted direction.

    Args:
        found: name → sums as of `direction_sums`.
        patients: `[n]` ids.
        plan: how to resample.
    """
    return {name: _direction(own, patients, plan) for name, own in found.items()}


def _direction(sums: Floats, patients: Ids, plan: Plan) -> Direction:
    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(sums)
        shares = quotient(totals[:, 0::2], totals[:, 1::2])
        return np.hstack([shares, quotient(np.repeat(shares[:, :1], 2, axis=1), shares[:, 1:])])

    names = (*_KINDS, "over_random", "over_moved")
    told = bootstrapped(Statistic(names, evaluate), patients, plan)
    return Direction(**told, records=int((sums[:, 1] > 0).sum()))


def together(each: Sequence[Floats]) -> Floats:
    """Return the sums of several embeddings as one."""
    return np.sum(each, axis=0)
