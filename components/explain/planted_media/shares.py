"""How much attribution lies on the planted places, beside three things that it could be by itself.

- an attribution that is spread evenly over the picture or the windows;
- networks of the same architecture whose parameters were drawn anew, on the checked records;
- networks trained on shuffled labels, where the run names some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient
from components.explain.planted import Located, of_sums

Sums = Mapping[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Share:
    """One method's attribution on one place.

    Attributes:
        share: of |attribution| on the place.
        even: the same, were each record's spread evenly.
        over_even: `share / even`; 1 is what spreading gives.
        drawn: the same records' share beside that of drawn networks; None without any.
        taught: beside that of networks trained on shuffled labels; None without any.
        records: that have the place and any attribution.
    """

    share: Interval
    even: Interval
    over_even: Interval
    drawn: Located | None
    taught: Located | None
    records: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """What one method says of the places: `[n, 3]` each, as of `Marks.measure`.

    Attributes:
        own: place → of all records.
        patients: `[n]` ids.
        checked: place → of the records on which networks were drawn.
        drawn: of each drawn network, of these records.
        drawn_patients: ids of these.
        taught: of each network trained on shuffled labels, of all records.
    """

    own: Sums
    patients: Ids
    checked: Sums
    drawn: Sequence[Sums]
    drawn_patients: Ids
    taught: Sequence[Sums]


def shares(told: Told, plan: Plan) -> dict[str, Share]:
    """Return place → how much lies on it."""
    return {place: _share(told, place, plan) for place in told.own}


def _share(told: Told, place: str, plan: Plan) -> Share:
    own = told.own[place]
    found = bootstrapped(Statistic(("share", "even", "over_even"), _of(own)), told.patients, plan)
    return Share(
        share=found["share"],
        even=found["even"],
        over_even=found["over_even"],
        drawn=_beside(told.checked, told.drawn, place, told.drawn_patients, plan=plan),
        taught=_beside(told.own, told.taught, place, told.patients, plan=plan),
        records=int((own[:, 1] > 0).sum()),
    )


def _of(sums: Floats) -> Callable[[RowWeights], Floats]:
    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(sums)
        marked, every, even = totals[:, :1], totals[:, 1:2], totals[:, 2:]
        pairs = ((marked, every), (even, every), (marked, even))
        return np.hstack([quotient(*pair) for pair in pairs])

    return evaluate


def _beside(
    own: Sums, others: Sequence[Sums], place: str, patients: Ids, *, plan: Plan
) -> Located | None:
    if not others or place not in own:
        return None
    networks = [each[place][:, :2] for each in others]
    return of_sums(own[place][:, :2], networks, patients=patients, plan=plan)
