"""Whom two models call differently, each at its own threshold, and whether that is for the better.

Net reclassification by label (Pencina et al. 2008, Stat Med 27:157): among patients with the event
those called positive only by the second model minus those called so only by the first, per patient
with the event; the reverse without the event. The two parts are the differences in sensitivity and
specificity. Their sum weighs both alike whatever the prevalence and is given with its parts only
(Kerr et al. 2014, Epidemiology 25:114).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.comparison.judged import Judged
from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.tables import Figures, floats, sigmoid

Calls = npt.NDArray[np.bool_]
CELLS = ("both negative", "to positive", "to negative", "both positive")


@dataclass(frozen=True, kw_only=True)
class Flips:
    """Two models' calls, patient by patient.

    Attributes:
        patients: one row per patient that is called differently: `patient_id` (`patient-N`),
            `label`, and of both models probability and call.
        counts: `events` and `no events` → patients in each of `CELLS`.
        figures: `nri_events`, `nri_no_events` and their sum `nri`, with intervals.
    """

    patients: pd.DataFrame
    counts: dict[str, tuple[int, int, int, int]]
    figures: Figures

    @property
    def total(self) -> int:
        """Return on how many patients the models disagree."""
        return len(self.patients)


def flips(reference: Judged, other: Judged, plan: Plan) -> Flips:
    """Return whom the other model calls otherwise than the reference.

    Args:
        reference: the first model.
        other: on the same patients.
        plan: how to resample.
    """
    frame, rival = reference.tables.pooled, other.tables.pooled
    y = floats(frame, "label")
    before, after = (floats(each, "margin") >= 0 for each in (frame, rival))
    columns = {
        "patient_id": frame["patient_id"].map(reference.published),
        "label": y.astype(np.int64),
        f"probability.{reference.letter}": sigmoid(floats(frame, "calibrated_logit")),
        f"probability.{other.letter}": sigmoid(floats(rival, "calibrated_logit")),
        f"positive.{reference.letter}": before,
        f"positive.{other.letter}": after,
    }
    cells = {"events": y == 1, "no events": y == 0}
    return Flips(
        patients=pd.DataFrame(columns)[before != after].reset_index(drop=True),
        counts={name: _counts(before[rows], after[rows]) for name, rows in cells.items()},
        figures=_reclassification(frame, after.astype(float) - before.astype(float), plan),
    )


def _counts(before: Calls, after: Calls) -> tuple[int, int, int, int]:
    pairs = [(False, False), (False, True), (True, False), (True, True)]
    found = [int(((before == first) & (after == second)).sum()) for first, second in pairs]
    return found[0], found[1], found[2], found[3]


def _reclassification(frame: pd.DataFrame, change: FloatArray, plan: Plan) -> Figures:
    y, weight = floats(frame, "label"), floats(frame, "weight")
    columns = np.stack([y * change, y, -(1 - y) * change, 1 - y], axis=1)

    def evaluate(weights: RowWeights) -> FloatArray:
        up, events, down, rest = weights.totals(columns).T
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = up / events, down / rest
        return np.stack([*parts, parts[0] + parts[1]], axis=1)

    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=plan)
    statistic = Statistic(("nri_events", "nri_no_events", "nri"), evaluate)
    return intervals(statistic, within, weight=weight, plan=plan)
