"""Figures of recordings made strange, all on the same draws of patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.discrimination import family as ranking_family
from components.core.metrics.folds import mean_over
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Sample, Scale, Statistic, joined
from components.core.metrics.part import renamed, restricted
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.tables import floats
from components.evaluate.robustness.figures import BASE
from components.evaluate.robustness.recordings import Condition

CONFIDENCE, DISTANCE = "auroc_confidence", "auroc_distance"
# Fewer than this many answers of known correctness make no accuracy worth an interval.
_FEWEST = 2


@dataclass(frozen=True, kw_only=True)
class Strange:
    """A strangeness and what it came to.

    Attributes:
        condition: what was done.
        figures: `stated` (mean confidence), `accuracy` of the judged head, `overconfidence` (stated
            minus accuracy, of the answers of known correctness), `abstained` (share from which the
            bundle withholds its answer), and of telling the strange from the untouched
            `auroc_confidence` (by 1 − confidence) and `auroc_distance`; what cannot be had is left
            out.
        unanswered: recordings of which no lead is left.
    """

    condition: Condition
    figures: dict[str, Interval]
    unanswered: int

    @property
    def noticed(self) -> bool:
        """Return whether the confidence falls, as far as its interval tells."""
        return CONFIDENCE in self.figures and self.figures[CONFIDENCE].lo > 0.5

    @property
    def surer(self) -> bool:
        """Return whether the confidence rises instead."""
        return CONFIDENCE in self.figures and self.figures[CONFIDENCE].hi < 0.5

    @property
    def far(self) -> bool:
        """Return whether the distance tells it."""
        return DISTANCE in self.figures and self.figures[DISTANCE].lo > 0.5


@dataclass(frozen=True, kw_only=True)
class Unfamiliar:
    """Everything of one confidence head.

    Attributes:
        base: figures of the untouched recordings, without those of telling.
        strange: in the order of the conditions.
        records: different recordings, and `patients` they are of.
        patients: see `records`.
        known: recordings with an answer of known correctness.
    """

    base: Strange
    strange: tuple[Strange, ...]
    records: int
    patients: int
    known: int

    @property
    def powered(self) -> bool:
        """Return whether there are 20 patients."""
        return self.patients >= RARE_PATIENTS


def unfamiliar_figures(
    frame: pd.DataFrame, conditions: Sequence[Condition], plan: Plan
) -> Unfamiliar:
    """Return the figures of every condition.

    Args:
        frame: of `seen.strange_frame`.
        conditions: what was done, without the untouched.
        plan: the bootstrap; patients are drawn whole, with all their recordings.
    """
    frame = frame.reset_index(drop=True)
    untouched = Condition(kind="", key=BASE, title="untouched", change=None)
    every = [untouched, *conditions]
    parts = [part for each in every for part in _statistics(frame, each.key)]
    statistic = joined(parts)
    within = clusters(frame["patient_id"].to_numpy(), None, weight=None, plan=plan)
    scales: dict[str, Scale] = {
        name: "logit" for name in statistic.names if name.endswith((CONFIDENCE, DISTANCE))
    }
    found = intervals(statistic, within, weight=None, plan=plan, scales=scales)
    base, *strange = [_collected(frame, each, found) for each in every]
    own = frame[frame["condition"] == BASE]
    return Unfamiliar(
        base=base,
        strange=tuple(strange),
        records=int(own["sample_id"].nunique()),
        patients=int(own["patient_id"].nunique()),
        known=int(own["right"].notna().sum()),
    )


def _collected(frame: pd.DataFrame, condition: Condition, found: dict[str, Interval]) -> Strange:
    start = f"{condition.key}|"
    own = frame[frame["condition"] == condition.key]
    return Strange(
        condition=condition,
        figures={n.removeprefix(start): i for n, i in found.items() if n.startswith(start)},
        unanswered=int(own["confidence"].isna().sum()),
    )


def _statistics(frame: pd.DataFrame, key: str) -> Iterator[Statistic]:
    """Yield the figures of a condition, each over the rows that define it."""
    inside = (frame["condition"] == key).to_numpy()
    yield _means(frame, np.flatnonzero(inside), key, {"abstained": "abstains"})
    answered = inside & frame["confidence"].notna().to_numpy()
    if not answered.any():
        return
    yield _means(frame, np.flatnonzero(answered), key, {"stated": "confidence"})
    judged = np.flatnonzero(answered & frame["right"].notna().to_numpy())
    if judged.size >= _FEWEST:
        over = frame.assign(over=frame["confidence"] - frame["right"])
        yield _means(over, judged, key, {"accuracy": "right", "overconfidence": "over"})
    if key == BASE:
        return
    pair = answered | ((frame["condition"] == BASE) & frame["confidence"].notna()).to_numpy()
    yield _telling(frame, np.flatnonzero(pair), key, "confidence", CONFIDENCE, sign=-1.0)
    # Without usable ECGs, or without a lead, there is no distance.
    measured = pair & np.isfinite(floats(frame, "distance"))
    if (measured & inside).any():
        yield _telling(frame, np.flatnonzero(measured), key, "distance", DISTANCE, sign=1.0)


def _means(frame: pd.DataFrame, rows: IntArray, key: str, named: dict[str, str]) -> Statistic:
    values = np.stack(
        [*(floats(frame, column)[rows] for column in named.values()), np.ones(rows.size)], axis=1
    )

    def evaluate(weights: RowWeights) -> FloatArray:
        totals = weights.totals(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            return totals[:, :-1] / totals[:, -1:]

    return restricted(Statistic(tuple(f"{key}|{name}" for name in named), evaluate), rows)


def _telling(
    frame: pd.DataFrame, rows: IntArray, key: str, column: str, name: str, *, sign: float
) -> Statistic:
    """Return the mean within-fold AUROC of `sign · column` for being strange."""
    part = frame.iloc[rows].reset_index(drop=True)
    y = np.asarray(part["condition"] == key, np.float64)
    score = sign * floats(part, column)
    cells: list[tuple[IntArray, Statistic]] = []
    for places in part.groupby(["repeat", "fold"], sort=True).indices.values():
        own = np.asarray(places, np.int64)
        cells.append((own, ranking_family(Sample(y=y[own], score=score[own]), ("auroc",))))
    return restricted(renamed(mean_over(cells), (f"{key}|{name}",)), rows)
