"""Figures of a head with ordered categories, and what happened to those whom it put in each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import ClassesHead
from components.core.metrics.bootstrap import intervals
from components.core.metrics.class_bootstrap import class_bootstrap
from components.core.metrics.class_metric import ClassSample, class_sample
from components.core.metrics.drawn_incidence import incidence_at
from components.core.metrics.followed import Followed, followed
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import EVENT
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.part import restricted
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.tables import Figures, floats
from components.evaluate.follow_up_table import CODE, TIME
from components.evaluate.heads.tables import known, output, require, truth
from components.evaluate.subgroups.grouping import safe

# 12 months, the last horizon of the survival head.
YEAR = 365.0
OVERALL = ("accuracy", "macro_f1", "quadratic_kappa", "macro_auroc")
BY_CLASS = ("precision", "recall", "f1")


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassFigures:
    """One row per patient, probabilities averaged over recordings and repeats.

    Attributes:
        classes: as the data spell them, from the lowest to the highest.
        keys: the same as the tracking store takes them.
        sizes: patients truly in each.
        called: patients put in each.
        cells: `[K, K]` patients by true and by called category.
        figures: `<figure>` and `<figure>/<key of the category>`.
    """

    classes: tuple[str, ...]
    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    called: tuple[int, ...]
    cells: npt.NDArray[np.int64]
    figures: Figures

    @property
    def patients(self) -> int:
        """Return the number of patients."""
        return sum(self.sizes)

    @property
    def commonest(self) -> float:
        """Return the share of the most frequent category: the accuracy of always calling it."""
        return max(self.sizes) / self.patients


def class_figures_of(frame: pd.DataFrame, name: str, head: ClassesHead, plan: Plan) -> ClassFigures:
    """Return the figures of a head over the patients whose category is known.

    Args:
        frame: the table of heads.
        name: of the head.
        head: its categories.
        plan: the bootstrap.

    Raises:
        CardioError: a column is missing.
        InputError: nobody's category is known, or probabilities that are none.
    """
    sample, patients = patient_classes(known(frame, name), name, head)
    count = len(head.classes)
    cells = np.bincount(sample.y * count + sample.called, minlength=count**2)
    cells = cells.reshape(count, count)
    figures = class_bootstrap(sample, patients, metrics=(*OVERALL, *BY_CLASS), plan=plan)
    return ClassFigures(
        classes=head.classes,
        keys=sample.names,
        sizes=tuple(cells.sum(axis=1).tolist()),
        called=tuple(cells.sum(axis=0).tolist()),
        cells=cells,
        figures=figures,
    )


def patient_classes(
    rows: pd.DataFrame, name: str, head: ClassesHead
) -> tuple[ClassSample, npt.NDArray[np.generic]]:
    """Return one row per patient and the patients' ids; of several categories the highest counts.

    Args:
        rows: of the table of heads with a known category.
        name: of the head.
        head: its categories.
    """
    columns = [output(name, each) for each in head.classes]
    require(rows, columns)
    grouped = rows.groupby("patient_id", sort=True)
    probs = grouped[columns].mean().to_numpy(np.float64)
    y = grouped[truth(name)].max()
    names = tuple(f"{place}_{safe(each)}" for place, each in enumerate(head.classes))
    plain = tuple(safe(each) for each in head.classes)
    # Two spellings that the tracking store could not tell apart are numbered.
    names = plain if len(set(plain)) == len(plain) else names
    sample = class_sample(y.to_numpy(np.float64), _unit_sum(probs), names=names)
    return sample, y.index.to_numpy()


def _unit_sum(probs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rows divided by their sums, which float32 leaves 1e-7 off 1; no more than that."""
    sums = probs.sum(axis=1, keepdims=True)
    return np.where(np.abs(sums - 1) < 1e-4, probs / sums, probs)


@dataclass(frozen=True, kw_only=True)
class Called:
    """Patients put into one category, whether or not their true one is known.

    Attributes:
        name: of the category.
        patients: with follow-up.
        events: of them by the day.
        incidence: cumulative incidence by the day; NaN where nobody was followed so far.
    """

    name: str
    patients: int
    events: int
    incidence: Interval


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What happened to those called each category: the clinical validation.

    Attributes:
        day: horizon in days.
        groups: from the lowest category to the highest; those into which nobody was put left out.
        steps: incidence of each of `groups` minus that of the one before, on the same draws.
    """

    day: float
    groups: tuple[Called, ...]
    steps: tuple[Interval, ...]

    @property
    def powered(self) -> bool:
        """Return whether the events by the day are 20 or more."""
        return sum(group.events for group in self.groups) >= RARE_PATIENTS


def validation(
    frame: pd.DataFrame, name: str, head: ClassesHead, plan: Plan, *, day: float = YEAR
) -> Validation | None:
    """Return the incidence by called category; None where no event has a known time.

    Args:
        frame: the table of heads.
        name: of the head.
        head: its categories.
        plan: the bootstrap.
        day: horizon in days.
    """
    if not {TIME, CODE} <= set(frame.columns):
        return None
    rows = frame[frame[TIME].notna()]
    columns = [output(name, each) for each in head.classes]
    require(rows, columns)
    grouped = rows.groupby("patient_id", sort=True)
    if not (rows[CODE] == EVENT).any():
        return None
    # The head's answer needs no known truth, so that everyone with follow-up counts.
    place = grouped[columns].mean().to_numpy(np.float64).argmax(axis=1)
    times = grouped[[TIME, CODE]].first()
    sample = followed(floats(times, TIME), floats(times, CODE))
    members = {each: np.flatnonzero(place == each) for each in np.unique(place).tolist()}
    groups = tuple(
        _called(sample.part(inside), head.classes[each], day) for each, inside in members.items()
    )
    steps = _steps([restricted(incidence_at(sample.part(m), (day,)), m) for m in members.values()])
    event = sample.event.astype(np.float64)
    within = clusters(times.index.to_numpy(), event, weight=None, plan=plan)
    found = intervals(steps, within, weight=None, plan=plan, note="paired difference, ")
    return Validation(day=day, groups=groups, steps=tuple(found.values()))


def _called(part: Followed, name: str, day: float) -> Called:
    incidence = Interval(np.nan, np.nan, np.nan, 0, 0, "nobody was followed so far")
    if part.time.max() >= day:
        incidence = cumulative_incidence(part.time, part.code, day)
    return Called(
        name=name,
        patients=int(part.time.size),
        events=int((part.event & (part.time <= day)).sum()),
        incidence=incidence,
    )


def _steps(each: list[Statistic]) -> Statistic:
    def evaluate(weights: RowWeights) -> npt.NDArray[np.float64]:
        curve = np.hstack([part.evaluate(weights) for part in each])
        return np.diff(curve, axis=1)

    return Statistic(tuple(f"step{i}" for i, _ in enumerate(pairwise(each), start=1)), evaluate)
