"""Time-dependent AUC (cumulative cases, dynamic controls) at horizons, weighted for censoring.

At horizon t the cases are those with the event by t, the controls everyone else: still free of it
at t, or dead without it (definition (ii) of Blanche et al., Stat Med 2013;32:5381; without
competing events that of Uno et al., JASA 2007;102:527). Each row is weighted by the inverse
probability of having been followed so far; who was censored before t has weight 0. So it is the
weighted AUROC of the label at t.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.core.metrics.checks import FloatArray, Vector, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.discrimination import family
from components.core.metrics.followed import Followed, followed, times_weight
from components.core.metrics.metric import RowWeights, Sample, Statistic


def time_auc(
    time: Vector,
    event: Vector,
    risk: Vector,
    horizons: Sequence[float],
    *,
    weight: Vector | None = None,
) -> FloatArray:
    """Return `[k]` the AUC at each horizon; in [0, 1], 0.5 by chance, NaN without both classes.

    Args:
        time: `[n]` days.
        event: `[n]` codes 0 censored, 1 event, 2 competing.
        risk: `[n]` higher means a greater chance of the event.
        horizons: days.
        weight: `[n]` row weights; they do not enter G.

    Raises:
        InputError: arrays that do not fit together, or a horizon beyond all follow-up.
    """
    sample = followed(time, event)
    own = checked_weights(weight, rows=sample.time.size)
    found = time_auc_at(sample, risk, horizons)
    return found.evaluate(RowWeights.observed(sample.time.size, own))[0]


def time_auc_at(sample: Followed, risk: Vector, horizons: Sequence[float]) -> Statistic:
    """Return the AUC at each horizon as statistics `time_auc@<days>` for the bootstrap.

    Arguments and errors as in `time_auc`; G stays the same in every draw.
    """
    score = finite(risk, "the risk score", rows=sample.time.size)
    labels = [sample.known_at(horizon) for horizon in horizons]
    each = [(family(Sample(y=y, score=score), ("auroc",)), weight) for y, weight in labels]

    def evaluate(weights: RowWeights) -> FloatArray:
        columns = [one.evaluate(times_weight(weights, weight)) for one, weight in each]
        return np.hstack(columns)

    return Statistic(tuple(f"time_auc@{h:g}" for h in horizons), evaluate)
