"""How much of the attribution each embedding has, beside its part of the planted risk.

Given the embeddings of a patient, the best that can be said of the log hazard is a sum over the
embeddings (`core.planted_weights`): what a perfect linear model would attribute to each. Shares
are of sums of magnitudes over records. Shapes: `n` records, `M` embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.agreement import spearman
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient


@dataclass(frozen=True, kw_only=True)
class Share:
    """One embedding by one method.

    Attributes:
        share: of |attribution| of all embeddings.
        planted: the same of the parts of the planted risk, of the same records.
        ratio: `share / planted`.
        records: that have it.
    """

    share: Interval
    planted: Interval
    ratio: Interval
    records: int


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What one method says of the embeddings.

    Attributes:
        each: modality → its share.
        order: Spearman over embeddings of share and planted share; 1 is the planted order, NaN of
            fewer than five.
        follows: rank correlation of attribution and planted part, both signed, over all pairs of a
            record and an embedding that it has; ranks are those of the records as they are.
        records: that have any.
        patients: of these.
    """

    each: Mapping[str, Share]
    order: Interval
    follows: Interval
    records: int
    patients: int


def shares_of(
    names: Sequence[str], said: Floats, planted: Floats, *, patients: Ids, plan: Plan
) -> Shares:
    """Return what a method says of the embeddings beside what was planted.

    Args:
        names: `M` modalities.
        said: `[n, M]` attributions, log-odds; NaN where a record lacks it.
        planted: `[n, M]` parts of the planted risk, likewise.
        patients: `[n]` ids.
        plan: how to resample.
    """
    known = np.isfinite(said) & np.isfinite(planted)
    own, truth = (np.where(known, values, 0.0) for values in (said, planted))
    columns = np.hstack([np.abs(own), np.abs(truth), _rank_sums(own, truth, known)])
    size = len(names)
    keys = [f"{kind} {name}" for kind in ("share", "planted", "ratio") for name in names]

    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(columns)
        share, part = (_normed(totals[:, at : at + size]) for at in (0, size))
        order = spearman(share, part)[:, None]
        return np.hstack(
            [share, part, quotient(share, part), order, _correlation(totals[:, 2 * size :])]
        )

    found = bootstrapped(Statistic((*keys, "order", "follows"), evaluate), patients, plan)
    any_ = known.any(axis=1)
    return Shares(
        each={
            name: Share(
                share=found[f"share {name}"], planted=found[f"planted {name}"],
                ratio=found[f"ratio {name}"], records=int(known[:, place].sum()),
            )
            for place, name in enumerate(names)
        },
        order=found["order"],
        follows=found["follows"],
        records=int(any_.sum()),
        patients=len(np.unique(patients[any_])),
    )  # fmt: skip


def _normed(sums: Floats) -> Floats:
    return quotient(sums, np.broadcast_to(sums.sum(axis=1, keepdims=True), sums.shape))


def _rank_sums(own: Floats, truth: Floats, known: np.ndarray) -> Floats:
    """Return `[n, 6]` count, sums, squares and products of the ranks of a record's pairs."""
    ranks: list[Floats] = []
    for values in (own, truth):
        placed = np.zeros(values.shape)
        placed[known] = rankdata(values[known])
        # About their mean, or the squares would drown the differences.
        placed[known] -= placed[known].mean() if known.any() else 0.0
        ranks.append(placed)
    a, b = ranks
    each = (known.astype(np.float64), a, b, a * a, b * b, a * b)
    return np.stack([column.sum(axis=1) for column in each], axis=1)


def _correlation(sums: Floats) -> Floats:
    """Return `[D, 1]` Pearson's correlation from sums `[D, 6]`; NaN where one side is constant."""
    count, a, b, aa, bb, ab = np.moveaxis(sums, 1, 0)
    spread = np.sqrt(np.maximum(count * aa - a * a, 0) * np.maximum(count * bb - b * b, 0))
    return quotient(count * ab - a * b, spread)[:, None]
