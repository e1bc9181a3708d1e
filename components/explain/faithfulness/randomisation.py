"""Does the explanation know what the network learned? Its parameters are drawn anew.

An explanation that stays the same then shows the input or the architecture, not the model: Adebayo
et al. (2018), Sanity checks for saliency maps, NeurIPS. Attributions are compared with their signs,
network by network: which way a drawn network's answer points is chance, so correlations of several
of them would cancel each other, and one of -1 shows the input as much as one of 1.

Shapes: `n` records, `G` groups, `R` drawn networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.aligned import aligned, union
from components.explain.faithfulness.agreement import row_mean, spearman
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient
from components.explain.faithfulness.parts import of_kind
from components.explain.faithfulness.redrawn import drawn_seeds, unlearned
from components.explain.method import Attributed, Method
from components.explain.subject import Subject

# Of some records and what a method says of them → whatever is asked, `[n, …]` by name.
Measure = Callable[[npt.NDArray[np.int64], Attributed], dict[str, Floats]]
# An agreement below this has collapsed.
COLLAPSED = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Randomised:
    """Attributions by the networks and by drawn ones, of the same records.

    Attributes:
        names: of the `G` groups.
        own: `[n, G]`; NaN where a record has no such group.
        drawn: `[R, n, G]`.
        patients: `[n]` ids.
        measured: of each drawn network what else was asked of its attributions, by name, `[n, …]`;
            empty where nothing was.
    """

    names: tuple[str, ...]
    own: Floats
    drawn: Floats
    patients: Ids
    measured: Sequence[Mapping[str, Floats]] = ()

    @property
    def agreement(self) -> Floats:
        """Return `[R, n]` Spearman over groups with each drawn network."""
        return np.stack([spearman(self.own, each) for each in self.drawn])


def randomised(
    subject: Subject,
    index: npt.NDArray[np.int64],
    *,
    method: Method,
    grouped: Grouped,
    config: ExplainConfig,
    measure: Measure | None = None,
) -> Randomised:
    """Return what a method says of some records by `config.randomised` drawn networks.

    Args:
        subject: networks and records.
        index: `[n]` the records.
        method: is run again.
        grouped: what it said of all of the subject's records, in groups of one kind.
        config: how many networks, and the seed.
        measure: takes more from each drawn network's attributions, so that none runs twice.
    """
    drawn: list[Floats] = []
    measured: list[dict[str, Floats]] = []
    for each in unlearned(subject, index, drawn_seeds(config.seed, config.randomised)):
        said = method.explain(each, index, config)
        drawn.append(of_kind(said.grouped, grouped.kind).values)
        measured += [] if measure is None else [measure(index, said)]
    return Randomised(
        names=grouped.names,
        own=grouped.values[index],
        drawn=np.stack(drawn),
        patients=subject.rows.frame["patient_id"].to_numpy(object)[index],
        measured=measured,
    )


def pooled(found: Sequence[Randomised]) -> Randomised:
    """Return several folds' records as one set; the drawn networks are told apart by number."""
    names = union([each.names for each in found])
    return Randomised(
        names=names,
        own=np.concatenate([aligned(each.own, each.names, names) for each in found]),
        drawn=np.concatenate([aligned(each.drawn, each.names, names) for each in found], axis=1),
        patients=np.concatenate([each.patients for each in found]),
        measured=pooled_measures([each.measured for each in found]),
    )


def pooled_measures(found: Sequence[Sequence[Mapping[str, Floats]]]) -> list[dict[str, Floats]]:
    """Return fold → network → what was measured as network → the same of all folds' records.

    What a fold does not know is left out.
    """
    told: list[dict[str, Floats]] = []
    for folds in zip(*found, strict=True):
        names = [name for name in folds[0] if all(name in each for each in folds)]
        told.append({name: np.concatenate([each[name] for each in folds]) for name in names})
    return told


def agreements(found: Randomised, plan: Plan) -> dict[str, Interval]:
    """Return `agreement` (mean over records) and `cohort_agreement` (of the mean attributions).

    Both are magnitudes of Spearman correlations with one drawn network, means over the drawn
    networks; near 0 is better.
    """
    told: dict[str, Interval] = {}
    for statistic in (_of_records(found), _of_means(found)):
        told |= bootstrapped(statistic, found.patients, plan)
    return told


def _of_records(found: Randomised) -> Statistic:
    """Return the agreement by records: |mean over records| for each network, then their mean."""
    own = found.agreement.T

    def evaluate(weights: RowWeights) -> Floats:
        return row_mean(np.abs(_mean(weights, own)).T)[:, None]

    return Statistic(("agreement",), evaluate)


def _of_means(found: Randomised) -> Statistic:
    """Return the agreement of cohort means, which are taken anew in each draw of patients."""

    def evaluate(weights: RowWeights) -> Floats:
        mine, *others = (_mean(weights, each) for each in (found.own, *found.drawn))
        return row_mean(np.stack([np.abs(spearman(mine, each)) for each in others]))[:, None]

    return Statistic(("cohort_agreement",), evaluate)


def _mean(weights: RowWeights, values: Floats) -> Floats:
    """Return `[D, G]` mean over the drawn records of `[n, G]`, NaN ones left out."""
    there = np.isfinite(values)
    total = weights.totals(np.where(there, values, 0.0))
    return quotient(total, weights.totals(there.astype(np.float64)))
