"""Learning curve: what more training patients have brought, within the range that was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.folds import FoldTable, mean_over_folds, per_fold
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import clusters
from components.core.metrics.tables import floats, folded, headline_figures
from components.core.report.section import Plot, Section
from components.evaluate.analysis import Context
from components.evaluate.growth import Growth, grow, training_patients
from components.evaluate.power import is_small
from components.evaluate.regression import INNER_FOLDS
from components.evaluate.report import small_cohort

NAME = "learning_curve"
ORDER = 65
_TITLE = "Would more patients help?"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One share of the training patients.

    Attributes:
        share: of the training patients.
        patients: mean number over the fits.
        events: mean number of them with the event.
        auroc: on the test patients: mean over folds and draws, with its interval.
        each: the figure of every fit; NaN where its test part lacks a class.
    """

    share: float
    patients: float
    events: float
    auroc: Interval
    each: tuple[float, ...]


def applies(context: Context) -> bool:
    """Return whether the label is binary and the test part of the training's own cohort."""
    return not context.external and bool(context.predictions["label"].isin([0, 1]).all())


def analyse(context: Context) -> Section:
    """Return the test AUROC of logistic regression by the number of training patients.

    The network is left out: refitting it on every share would multiply its training.
    """
    most = context.task.evaluate.learning_curve.most_patients
    _, patients = training_patients(context, context.tests[0].fold)
    if len(patients) > most:
        return _left_out(
            f"Left out: {len(patients):,} training patients are more than "
            f"evaluate.learning_curve.most_patients ({most:,})."
        )
    growth = grow(context)
    if growth is None:
        return _left_out("Left out: the training part has too few events to be cut into shares.")
    steps, gain = measure(context, growth)
    network = headline_figures(context.tables, "logit", context.plan)["auroc"]
    return Section(
        name=NAME,
        title=_TITLE,
        text=(_sentence(context, steps, gain),),
        tables=(small_cohort.growth_table(steps, several=len(context.tests) > 1),),
        plots=(
            Plot(
                name=NAME,
                svg=small_cohort.growth_plot(steps, network),
                alt="AUROC of logistic regression against the number of training patients",
            ),
        ),
        figures={
            **{f"{NAME}/auroc_at_{100 * step.share:g}": step.auroc for step in steps},
            f"{NAME}/gain_from_{100 * _middle(steps).share:g}": gain,
        },
    )


def measure(context: Context, growth: Growth) -> tuple[list[Step], Interval]:
    """Return the steps, and the gain from the middle one to everyone, on the same draws.

    Test patients are drawn, fits are not repeated: the interval holds the chance of who was
    tested; that of who was trained on shows in the spread of the fits.
    """
    frame = growth.predictions
    shares = sorted(growth.sizes["share"].unique().tolist())
    rows = [np.flatnonzero(frame["share"] == share) for share in shares]
    tables = [folded(growth.predictions.iloc[index]) for index in rows]
    weight = floats(frame, "weight")
    within = clusters(
        frame["patient_id"].to_numpy(), floats(frame, "label"), weight=weight, plan=context.plan
    )
    found = intervals(
        _statistic(tables, rows), within, weight=weight, plan=context.plan,
        note="variance of training not included, ",
        scales={f"step{i}": "logit" for i in range(len(tables))},
    )  # fmt: skip
    sizes = growth.sizes.groupby("share").mean()
    steps = [
        Step(
            share=share,
            patients=float(sizes.loc[share, "patients"]),  # pyright: ignore[reportArgumentType]
            events=float(sizes.loc[share, "events"]),  # pyright: ignore[reportArgumentType]
            auroc=found[f"step{i}"],
            each=tuple(row.figures["auroc"] for row in per_fold(tables[i], metrics=("auroc",))),
        )
        for i, share in enumerate(shares)
    ]
    return steps, found["gain"]


def _statistic(tables: list[FoldTable], rows: list[npt.NDArray[np.int64]]) -> Statistic:
    means = [mean_over_folds(table, ("auroc",)) for table in tables]
    middle = len(tables) // 2

    def evaluate(weights: RowWeights) -> FloatArray:
        found = [
            mean.evaluate(weights.subset(index)) for mean, index in zip(means, rows, strict=True)
        ]
        # With two steps the middle one is the last, and the gain is over the first.
        return np.hstack([*found, found[-1] - found[min(middle, len(found) - 2)]])

    return Statistic((*(f"step{i}" for i in range(len(tables))), "gain"), evaluate)


def _middle(steps: list[Step]) -> Step:
    return steps[min(len(steps) // 2, len(steps) - 2)]


def _sentence(context: Context, steps: list[Step], gain: Interval) -> str:
    digits = 2 if is_small(context.tables.pooled) else 3
    first, middle, last = steps[0], _middle(steps), steps[-1]
    verdict = (
        "more patients were still paying off at the upper end of this range"
        if gain.lo > 0
        else "that more patients still pay off at the upper end of this range is not shown"
    )
    shares = context.task.evaluate.learning_curve.shares
    short = (
        f" Smaller shares have fewer than {INNER_FOLDS} patients with the event and no fit."
        if len(steps) < len(shares)
        else ""
    )
    return (
        f"Logistic regression on {first.patients:,.0f} training patients, {first.events:,.0f} with "
        f"the event, reaches an AUROC of {first.auroc.text(digits)} on the test patients; on all "
        f"{last.patients:,.0f}, {last.events:,.0f} with the event, {last.auroc.text(digits)}. From "
        f"{100 * middle.share:g} % of them to all the gain is {gain.text(digits)}: {verdict}. "
        f"Nothing is said about cohorts larger than this one.{short}"
    )


def _left_out(sentence: str) -> Section:
    return Section(name=NAME, title=_TITLE, text=(sentence,))
