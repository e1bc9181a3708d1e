"""Net benefit: what deciding by a risk is worth, in true positives per patient.

Vickers and Elkin 2006 (Med Decis Making 26:565): at threshold probability t a false positive costs
t / (1 − t) of what a true positive is worth, so net benefit = TP/n − FP/n · t / (1 − t). Treating
everyone is the yardstick beside treating no one, which is worth 0.
"""

from __future__ import annotations

import numpy as np

from components.core.metrics.checks import FloatArray, Vector, binary, probabilities
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.cutoffs import cells_at
from components.core.metrics.metric import RowWeights, Statistic


def net_benefit(y: FloatArray, prob: FloatArray, thresholds: FloatArray) -> Statistic:
    """Return net benefit of the model at each threshold, then of treating everyone.

    Args:
        y: `[n]` 0 or 1.
        prob: `[n]` calibrated probabilities; at or above the threshold a patient is treated.
        thresholds: `[k]` in (0, 1).

    Returns:
        figures `model@t` and `all@t`, k each; higher is better.

    Raises:
        InputError: arrays that do not fit together, or a threshold outside (0, 1).
    """
    tables = cells_at(y, prob, thresholds)
    odds = thresholds / (1 - thresholds)

    def evaluate(weights: RowWeights) -> FloatArray:
        found = tables(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            worth = np.hstack([
                found.true - odds * found.false, found.positive - odds * found.negative
            ])  # fmt: skip
            return worth / (found.positive + found.negative)

    named = [f"{who}@{t:g}" for who in ("model", "all") for t in thresholds.tolist()]
    return Statistic(tuple(named), evaluate)


def net_benefit_curve(
    y: Vector, prob: Vector, thresholds: FloatArray, weight: Vector | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return net benefit of the model and of treating everyone, `[k]` each.

    Arguments as in `net_benefit`; `weight` is `[n]` row weights (IPCW) or None.
    """
    labels = binary(y)
    risk = probabilities(prob, rows=labels.size)
    own = checked_weights(weight, rows=labels.size)
    statistic = net_benefit(labels, risk, thresholds)
    found = statistic.evaluate(RowWeights.observed(labels.size, own))[0]
    return found[: thresholds.size], found[thresholds.size :]
