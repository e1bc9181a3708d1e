"""Do the clinical variables count in the order in which they were planted?

Planted is each variable's liability (probit scale) per SD of the training part; a variable that the
mechanism does not know has 0. The explanation's is the mean |attribution|. Ranks are compared
(Spearman 1904), since liability and log-odds are on different scales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.data.tabular import TabularEncoder
from components.core.metrics.column_means import column_means
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.agreement import spearman
from components.explain.faithfulness.means import Floats, Ids, bootstrapped

# As the truth writes the unit that a liability is per → the same in the column's own unit.
UNITS = {"decade": 10.0, "5 kg/m2": 5.0, "5 points lower": 5.0}


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a method orders the variables.

    Attributes:
        agreement: Spearman over variables of planted size and mean |attribution|; 1 is the planted
            order, where no two are planted alike.
        most: the highest that is possible: fields of the same planted size, as all of those that
            the mechanism does not know, are tied, while attributions are not.
        absolute: variable → mean |attribution|, log-odds.
    """

    agreement: Interval
    most: float
    absolute: Mapping[str, float]


def unknown_units(truth: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables whose planted unit is not known here."""
    units: Mapping[str, str] = truth["tabular"]["units"]
    own = truth["tabular"]["liability"]
    return tuple(name for name in own if name in units and units[name] not in UNITS)


def planted_sizes(truth: Mapping[str, Any], encoders: Sequence[TabularEncoder]) -> dict[str, float]:
    """Return variable → |liability| per SD, of every variable that some fold's networks read.

    Args:
        truth: content of truth.json, all of its units known (`unknown_units`).
        encoders: of the folds; the first that has a variable gives its SD.
    """
    units, own = truth["tabular"]["units"], truth["tabular"]["liability"]
    sizes: dict[str, float] = {}
    for encoder in encoders:
        for column in encoder.numeric:
            unit = UNITS[units[column.name]] if column.name in units else 1.0
            size = abs(float(own.get(column.name, 0.0))) * column.sd / unit
            sizes.setdefault(column.name, size)
        for category in encoder.categorical:
            # Of a category the mechanism knows no liability per level.
            sizes.setdefault(category.name, 0.0)
    return sizes


def order_of(said: Grouped, sizes: Mapping[str, float], *, patients: Ids, plan: Plan) -> Order:
    """Return how a method orders the variables.

    Args:
        said: of kind `variable`, `n` records.
        sizes: variable → planted size.
        patients: `[n]` ids.
        plan: how to resample; the means are taken anew in each draw.
    """
    absolute = np.abs(said.values)
    means = column_means(absolute, said.names)
    planted = np.array([[sizes[name] for name in said.names]])

    def evaluate(weights: RowWeights) -> Floats:
        own = means.evaluate(weights)
        return spearman(own, np.repeat(planted, len(own), axis=0))[:, None]

    found = bootstrapped(Statistic(("agreement",), evaluate), patients, plan)
    each = means.value(RowWeights.observed(len(absolute)))
    untied = np.argsort(np.argsort(planted, axis=1, kind="stable"), axis=1).astype(np.float64)
    most = float(spearman(planted, untied)[0])
    return Order(agreement=found["agreement"], most=most, absolute=each)
