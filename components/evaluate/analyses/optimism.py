"""Optimism: how much better the model looks on patients it has learned from than on new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.cohort import Rows, read_part
from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.folds import FoldRow, FoldTable, mean_over_folds, per_fold
from components.core.metrics.interval import Interval, number
from components.core.metrics.metric import RowWeights, Scale, Statistic
from components.core.metrics.patients import by_patient
from components.core.metrics.resampling import Clusters, clusters
from components.core.metrics.tables import floats, folded
from components.core.progress import progress
from components.core.report.section import Plot, Section
from components.core.trained import member_logits, members_of, stats_of
from components.evaluate.analysis import Context
from components.evaluate.power import is_small
from components.evaluate.predictions import KEYS, position, validation
from components.evaluate.report import small_cohort

NAME = "optimism"
ORDER = 60
PARTS = ("train", "validation", "test")
_GAPS = {"train": "train_minus_test", "validation": "validation_minus_test"}
_SCALES: dict[str, Scale] = {f"auroc_{part}": "logit" for part in PARTS}
# Parts that differ by more than chance: their gap is optimism and change together.
_SHIFTED = {"temporal": "calendar time", "site": "site"}


@dataclass(frozen=True, kw_only=True)
class Optimism:
    """AUROC on the patients of each part.

    Attributes:
        figures: `auroc_<part>`, and train and validation minus test, with intervals.
        folds: part → its figure in every fold.
        patients: part → mean number of patients in a fold.
        events: part → mean number of them with the event.
    """

    figures: dict[str, Interval]
    folds: dict[str, list[FoldRow]]
    patients: dict[str, float]
    events: dict[str, float]


def applies(context: Context) -> bool:
    """Return whether the label is binary and the test part of the training's own cohort."""
    return not context.external and bool(context.predictions["label"].isin([0, 1]).all())


def analyse(context: Context) -> Section:
    """Return AUROC on training, validation and test patients, and the differences."""
    found = measure(context, _every_part(context))
    several = len(context.tests) > 1
    svg = small_cohort.optimism_plot(found.folds, {p: found.figures[f"auroc_{p}"] for p in PARTS})
    return Section(
        name=NAME,
        title="How much of it is learned by heart?",
        text=tuple(_sentences(context, found, several=several)),
        tables=(small_cohort.optimism_table(found, several=several),),
        plots=(
            Plot(
                name=NAME,
                svg=svg,
                alt="AUROC on training, validation and test patients, fold by fold, with intervals",
            ),
        ),
        figures={f"{NAME}/{name}": interval for name, interval in found.figures.items()},
    )


def measure(context: Context, patients: pd.DataFrame) -> Optimism:
    """Return the figures of every part on the same draws of patients.

    A patient is drawn with all rows: under cross-validation with those of every fold, in which it
    is trained on, validated on or tested on in turn. Training is not repeated, so its variance is
    in no interval.

    Args:
        context: for the bootstrap's plan.
        patients: `patient_id, repeat, fold, part, label, weight, logit`, one row per fold and
            patient.
    """
    rows = {part: np.flatnonzero(patients["part"] == part) for part in PARTS}
    tables = {part: folded(patients.iloc[index]) for part, index in rows.items()}
    statistic = _statistic(tables, rows)
    weight = floats(patients, "weight")
    within: Clusters = clusters(
        patients["patient_id"].to_numpy(), floats(patients, "label"), weight=weight,
        plan=context.plan,
    )  # fmt: skip
    note = "variance of training not included, "
    sizes = {part: patients[patients["part"] == part] for part in PARTS}
    folds = len(context.tests)
    return Optimism(
        figures=intervals(
            statistic, within, weight=weight, plan=context.plan, note=note, scales=_SCALES
        ),
        folds={part: per_fold(table, metrics=("auroc",)) for part, table in tables.items()},
        patients={part: len(frame) / folds for part, frame in sizes.items()},
        events={part: float(frame["label"].sum()) / folds for part, frame in sizes.items()},
    )


def _statistic(tables: dict[str, FoldTable], rows: dict[str, npt.NDArray[np.int64]]) -> Statistic:
    means = {part: mean_over_folds(table, ("auroc",)) for part, table in tables.items()}

    def evaluate(weights: RowWeights) -> FloatArray:
        found = {p: means[p].evaluate(weights.subset(rows[p]))[:, 0] for p in PARTS}
        gaps = [found[part] - found["test"] for part in _GAPS]
        return np.stack([*found.values(), *gaps], axis=1)

    return Statistic((*(f"auroc_{part}" for part in PARTS), *_GAPS.values()), evaluate)


def _every_part(context: Context) -> pd.DataFrame:
    """Return one row per fold and patient, in the part in which that fold has the patient."""
    found: list[pd.DataFrame] = []
    with progress("evaluate: training predictions", len(context.tests), "folds") as advance:
        for place, test in enumerate(context.tests):
            own = stats_of(context.stages.train, test.fold)
            rows = read_part(context.stages.cohort, test.fold, "train", stats=own)
            chosen = _some(rows, context, place)
            parts = {
                "train": _averaged(context, test.fold, chosen),
                "validation": validation(context.stages.train, test.fold),
                "test": test.frame,
            }
            found += [_patients(frame, test.fold, part) for part, frame in parts.items()]
            advance(1)
    return pd.concat(found, ignore_index=True)


def _some(rows: Rows, context: Context, place: int) -> Rows:
    """Return the rows, or those of patients drawn at random where there are too many."""
    most = context.task.evaluate.optimism.most_patients
    patients = np.sort(rows.frame["patient_id"].unique())
    if len(patients) <= most:
        return rows
    generator = np.random.default_rng([context.plan.seed, place])
    kept = generator.choice(patients, size=most, replace=False)
    return rows.take(np.flatnonzero(rows.frame["patient_id"].isin(kept)))


def _averaged(context: Context, fold: str, rows: Rows) -> pd.DataFrame:
    train = context.stages.train
    logits = [member_logits(train, m, rows, context.place) for m in members_of(train, fold)]
    return rows.frame[KEYS].assign(logit=np.mean(logits, axis=0))


def _patients(frame: pd.DataFrame, fold: str, part: str) -> pd.DataFrame:
    found = by_patient(frame)
    repeat, place = position(fold)
    return pd.DataFrame(
        {
            "patient_id": found.patient_id,
            "label": found.label,
            "logit": found.logit,
            "weight": found.weight,
        }
    ).assign(repeat=repeat, fold=place, part=part)


def _sentences(context: Context, found: Optimism, *, several: bool) -> list[str]:
    digits = 2 if is_small(context.tables.pooled) else 3
    names = ("auroc_train", "auroc_test", "train_minus_test", "validation_minus_test")
    seen, new, gap, chosen = (found.figures[name] for name in names)
    folds = f" (means over {len(context.tests)} folds)" if several else ""
    text = [
        f"Shown two of the patients it was trained on, one with the event and one without, the "
        f"model ranks them rightly {_hundred(seen)} times in 100; of patients it has never seen, "
        f"{_hundred(new)} times in 100{folds}. The difference in AUROC is {gap.text(digits)}: so "
        "much would be promised too much by judging the model on its own training patients."
    ]
    if gap.lo <= 0:
        text[0] += " Its interval holds 0: no such optimism is shown."
    text.append(
        "Validation patients chose the epoch, the threshold and the recalibration; their "
        f"AUROC minus that of the test patients is {chosen.text(digits)}. The figures of this "
        "report are those of the test patients, and owe nothing to either difference."
    )
    method = str(context.stages.cohort.facts.get("split_method", ""))
    if method in _SHIFTED:
        text.append(
            f"The parts also differ by {_SHIFTED[method]}; the differences hold that change, too."
        )
    return text


def _hundred(figure: Interval) -> str:
    """Return an AUROC as a count among 100 pairs, with its interval."""
    value, lo, hi = (number(100 * bound, 0) for bound in (figure.value, figure.lo, figure.hi))
    return f"{value} ({lo} to {hi})"
