"""What tells records with the event from those without: the difference of their attributions.

A share says where a network looks, a contrast what it makes of it. Networks that were taught
nothing look at QRS, too, since the amplitude is there; but what they see does not go with the
event.
"""

from __future__ import annotations

import numpy as np

from components.core.attribution.groups import SEGMENTS, Grouped
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient


def contrasts(cells: Grouped, truth: Floats, *, patients: Ids, plan: Plan) -> dict[str, Interval]:
    """Return segment → mean attribution of records with the event minus that of the others.

    In log-odds, summed over the leads of a segment; records without a beat or of unknown truth are
    left out. Undefined in a draw that lacks one of the two kinds of records.

    Args:
        cells: `lead_segment` attributions of `n` records.
        truth: `[n]` 1 with the event, 0 without, NaN where it is not known.
        patients: `[n]` ids.
        plan: how to resample.
    """
    values = by_segment(cells)
    known = np.isfinite(values).all(axis=1) & np.isfinite(truth)
    event = np.where(known, truth, 0.0)[:, None]
    other = np.where(known, 1.0 - truth, 0.0)[:, None]
    plain = np.where(known[:, None], values, 0.0)
    columns = np.hstack([plain * event, plain * other, event, other])
    width = len(SEGMENTS)

    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(columns)
        with_event = quotient(totals[:, :width], totals[:, [2 * width]].repeat(width, axis=1))
        without = quotient(
            totals[:, width : 2 * width], totals[:, [2 * width + 1]].repeat(width, axis=1)
        )
        return with_event - without

    return bootstrapped(Statistic(SEGMENTS, evaluate), patients, plan)


def by_segment(cells: Grouped) -> Floats:
    """Return `[n, segments]` sums over the leads; NaN where no beat is found."""
    leads = len(cells.names) // len(SEGMENTS)
    values = cells.values.reshape(len(cells.values), leads, len(SEGMENTS))
    none = ~np.isfinite(values).any(axis=(1, 2))
    sums = np.nansum(values, axis=1)
    sums[none] = np.nan
    return sums
