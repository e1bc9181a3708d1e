"""Deletion and insertion curves: do the groups that are named as important matter to the model?

Groups are removed (set to the baseline) in the order of their signed attribution, highest first:
where the attributions are right, the log-odds fall faster than in random order, and rise faster
where groups are put back into an empty record in that order. Petsiuk, Das and Saenko (2018), RISE,
BMVC; signed order and random orders as the yardstick after Samek et al. (2017), IEEE TNNLS 28:2660.
The areas are in log-odds and divided by the mean |log-odds − log-odds with everything removed|: a
single record's difference may be 0.

Shapes: `n` records, `G` groups, `S` steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.explain.aligned import union
from components.explain.faithfulness.means import Floats, Ids, ratios
from components.explain.faithfulness.parts import PART
from components.explain.faithfulness.removal import Removal, removal
from components.explain.subject import Subject

Flags = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]
# Tenths of the groups.
STEPS = 10
_BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Log-odds along the removal of groups.

    Attributes:
        kind: of the groups.
        names: of the groups; a record need not have all of them.
        share: `[S + 1]` of a record's own groups removed (deletion) or put back (insertion).
        deletion: `[n, S + 1]` highest attribution removed first.
        insertion: `[n, S + 1]` highest attribution put back first.
        random: `[n, S + 1]` removed in random order, mean over orders. Read backwards it is the
            curve of putting back in random order.
        patients: `[n]` ids.
        left_out: records with fewer than two such groups (no beat, one lead).
    """

    kind: str
    names: tuple[str, ...]
    share: Floats
    deletion: Floats
    insertion: Floats
    random: Floats
    patients: Ids
    left_out: int

    @property
    def span(self) -> Floats:
        """Return `[n]` |log-odds − log-odds with everything removed|."""
        return np.abs(self.deletion[:, 0] - self.deletion[:, -1])


def curves(
    subject: Subject, index: Index, grouped: Grouped, config: ExplainConfig
) -> Curves | None:
    """Return the curves of some records; None where none of them has two groups.

    Args:
        subject: networks and records.
        index: `[m]` the records.
        grouped: attributions of all of the subject's records.
        config: number of random orders and seed.
    """
    values = grouped.values[index]
    able = np.isfinite(values).sum(axis=1) > 1
    kept = index[able]
    if not len(kept):
        return None
    steps = min(STEPS, values.shape[1])
    share = np.linspace(0.0, 1.0, steps + 1)
    found: list[tuple[Floats, ...]] = []
    for part in subject.parts(kept, most=_BATCH):
        ready = removal(subject, part, grouped)
        own = _order(grouped, part, config)
        found.append(
            _walk(ready, part, values=grouped.values[part], own=own, share=share, config=config)
        )
    deletion, insertion, random = (np.concatenate(each) for each in zip(*found, strict=True))
    return Curves(
        kind=grouped.kind,
        names=grouped.names,
        share=share,
        deletion=deletion,
        insertion=insertion,
        random=random,
        patients=subject.rows.frame["patient_id"].to_numpy(object)[kept],
        left_out=int((~able).sum()),
    )


def _order(grouped: Grouped, part: Index, config: ExplainConfig) -> Index:
    """Return `[B, G]` place of each group, the highest attribution first.

    Among parts of several inputs equal ones come in random order: regions stand before patches, and
    a map of zeros must not gain by that.
    """
    values = grouped.values[part]
    there = np.isfinite(values)
    key = -np.where(there, values, -np.inf)
    if grouped.kind != PART:
        return _ranks(key)
    ties = _random_ranks(there, part, (config.seed, config.orders))
    return np.argsort(np.lexsort((ties, key), axis=1), axis=1)


def _walk(
    ready: Removal,
    part: Index,
    *,
    values: Floats,
    own: Index,
    share: Floats,
    config: ExplainConfig,
) -> tuple[Floats, ...]:
    """Return `[B, S + 1]` of deletion, insertion and random order; `own` is of `_order`."""
    there = np.isfinite(values)
    full, empty = ready.log_odds(np.zeros_like(there)), ready.log_odds(there)

    def along(rank: Index, *, inserted: bool) -> Floats:
        ends = (empty, full) if inserted else (full, empty)
        inner = [ready.log_odds(there & (_first(rank, there, q) ^ inserted)) for q in share[1:-1]]
        return np.stack([ends[0], *inner, ends[1]], axis=1)

    drawn = [
        along(_random_ranks(there, part, (config.seed, order)), inserted=False)
        for order in range(config.orders)
    ]
    return along(own, inserted=False), along(own, inserted=True), np.mean(drawn, axis=0)


def _first(rank: Index, there: Flags, share: float) -> Flags:
    """Return `[B, G]` the first groups in order, as many as a share of those that are there."""
    return rank < np.rint(share * there.sum(axis=1, keepdims=True))


def _ranks(key: Floats) -> Index:
    """Return `[B, G]` place of each group, the least key first."""
    order = np.argsort(key, axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")


def _random_ranks(there: Flags, part: Index, seed: tuple[int, int]) -> Index:
    """Return a random order per record; each has its own seed, whatever it is batched with."""
    drawn = [np.random.default_rng([*seed, int(i)]).random(there.shape[1]) for i in part]
    return _ranks(np.where(there, np.stack(drawn), np.inf))


def pooled(found: Sequence[Curves]) -> Curves:
    """Return the curves of several folds as one.

    Folds with fewer groups took fewer steps: every curve is read off at the steps of all, straight
    between its own; areas stay.
    """
    # Rounded: 0.6 of ten steps and of five differ in their last bit.
    share = np.unique(np.concatenate([each.share for each in found]).round(12))

    def every(name: str) -> Floats:
        lines = [(each.share, line) for each in found for line in getattr(each, name)]
        return np.stack([np.interp(share, own, line) for own, line in lines])

    return Curves(
        kind=found[0].kind,
        names=union([each.names for each in found]),
        share=share,
        deletion=every("deletion"), insertion=every("insertion"), random=every("random"),
        patients=np.concatenate([each.patients for each in found]),
        left_out=sum(each.left_out for each in found),
    )  # fmt: skip


def gains(found: Curves, plan: Plan) -> dict[str, Interval]:
    """Return how much larger the areas are than in random order, paired record by record.

    `deletion_gain` is area(random) − area(deletion), `insertion_gain` area(insertion) −
    area(random), both as shares of the mean `span`. Higher is better; 0 is a random order.
    """
    deleted = _area(found.random - found.deletion, found.share)
    inserted = _area(found.insertion - found.random[:, ::-1], found.share)
    parts = {"deletion_gain": (deleted, found.span), "insertion_gain": (inserted, found.span)}
    return ratios(parts, found.patients, plan)


def drawn_curves(found: Curves, plan: Plan) -> dict[str, list[Interval]]:
    """Return the mean curves with intervals, each `[S + 1]`, as shares of the mean `span`.

    `deletion` and `deletion_random` are changes from the whole record, `insertion` and
    `insertion_random` from the one with everything removed.
    """
    full, empty = found.deletion[:, :1], found.deletion[:, -1:]
    lines = {
        "deletion": found.deletion - full,
        "deletion_random": found.random - full,
        "insertion": found.insertion - empty,
        "insertion_random": found.random[:, ::-1] - empty,
    }
    parts = {
        f"{name}/{step}": (values[:, step], found.span)
        for name, values in lines.items()
        for step in range(len(found.share))
    }
    told = ratios(parts, found.patients, plan)
    return {name: [told[f"{name}/{step}"] for step in range(len(found.share))] for name in lines}


def _area(heights: Floats, share: Floats) -> Floats:
    return np.asarray(np.trapezoid(heights, share, axis=1), np.float64)
