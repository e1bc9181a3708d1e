"""How much of the attribution of events lies on planted ones, before networks taught nothing.

Of single events, so that an event counts by itself whatever its neighbours get. Shapes: `n`
records, `K` planted events, `T` events of all records.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient
from components.explain.planted_events.facts import Marks


def marked(values: Floats, marks: Marks) -> Floats:
    """Return `[n, 2]` |attribution| of planted events within their window, and of all events.

    Args:
        values: `[T]` attributions of single events.
        marks: of the same events.
    """
    size = np.abs(values)
    return np.stack([_sums(size * marks.inside, marks), _sums(size, marks)], axis=1)


def counted(marks: Marks) -> float:
    """Return the share of events that were planted and lie within their window."""
    return float(marks.inside.mean()) if len(marks.inside) else float("nan")


def by_planted(values: Floats, marks: Marks, planted: int) -> Floats:
    """Return `[n, K]` attribution of each planted event within its window, NaN without it."""
    width = np.where(marks.inside, marks.number, planted)
    record = np.repeat(np.arange(len(marks.offsets) - 1), np.diff(marks.offsets))
    place = record * (planted + 1) + width
    shape = (len(marks.offsets) - 1, planted + 1)
    sums = np.bincount(place, values, shape[0] * shape[1]).reshape(shape)
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    return np.where(counts > 0, sums, np.nan)[:, :planted]


def recent_over_earlier(values: Floats, marks: Marks, *, patients: Ids, plan: Plan) -> Interval:
    """Return |attribution| of a planted event within its window over that of the same before it.

    Means over events, pooled over records; above 1 the explanation shows that the model learned
    when an event counts, and NaN where one of the two does not occur.

    Args:
        values: `[T]` attributions of single events.
        marks: of the same events.
        patients: `[n]` ids.
        plan: how to resample.
    """
    size: Floats = np.abs(values)
    parts = (marks.inside, marks.earlier)
    columns = [
        _sums(own, marks) for part in parts for own in (size * part, part.astype(np.float64))
    ]
    table = np.stack(columns, axis=1)

    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(table)
        each = quotient(totals[:, 0::2], totals[:, 1::2])
        return quotient(each[:, :1], each[:, 1:])

    return bootstrapped(Statistic(("ratio",), evaluate), patients, plan)["ratio"]


def joined(found: Sequence[Marks]) -> Marks:
    """Return the marks of several folds' records one after the other."""
    ends = np.cumsum([0, *(int(each.offsets[-1]) for each in found)])
    offsets = [each.offsets[:-1] + start for each, start in zip(found, ends, strict=False)]
    return Marks(
        offsets=np.concatenate([*offsets, ends[-1:]]),
        number=np.concatenate([each.number for each in found]),
        inside=np.concatenate([each.inside for each in found]),
    )


def _sums(values: Floats, marks: Marks) -> Floats:
    """Return `[n]` sums of `[T]` over the events of each record."""
    before = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(before[marks.offsets[1:]] - before[marks.offsets[:-1]], np.float64)
