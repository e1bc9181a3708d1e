"""What the search for a model's settings promised, beside what the model does on new patients.

The best of many trials is chosen for its figure, so that the figure promises too much (Cawley and
Talbot 2010, "On over-fitting in model selection"). Where the search was made anew inside each outer
fold, the outer test patients say how much: nothing of them has reached the choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.config.tune import Tuned
from components.core.config.tuned import INNER_PREDICTIONS
from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.folds import FoldTable, mean_over_folds
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import clusters
from components.core.metrics.tables import floats, folded
from components.core.searched import search_of
from components.core.store import Stage
from components.core.upstream import Upstream
from components.evaluate.analysis import Context

INNER, GAP = "inner", "inner_minus_test"
_SEEN = "the settings were chosen on patients whom other folds test; search with tune.nested=true"
_NOTE = "mean over inner folds, variance of training and of the search not included, "


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the inner folds of a nested search said, and the outer test patients.

    Attributes:
        metric: `auroc` or `auprc`: the objective; AUROC where that was the loss.
        figures: `inner` and `inner_minus_test`, on the same draws of patients.
    """

    metric: str
    figures: dict[str, Interval]


def tuned_of(train: Stage) -> Tuned | None:
    """Return what a search chose for a training; None where nobody searched."""
    kept = train.config.get("tuned")
    return None if kept is None else Tuned.model_validate(kept)


def bar_to_promotion(stages: Upstream) -> str:
    """Return why the search for a training's settings bars its promotion; empty where it does not.

    A search that cannot be shown to be of this training's split bars it, too.
    """
    tuned = tuned_of(stages.train)
    if tuned is None:
        return ""
    try:
        search = search_of(tuned, stages.audit)
    except InputError as error:
        return str(error)
    return _SEEN if search.facts["seen"] else ""


def promise(context: Context, search: Stage) -> Promise | None:
    """Return what a nested search promised; None where it was not nested.

    A patient is drawn with all rows: those of the inner folds of every outer fold in which the
    patient is trained on, and those in which the patient is tested.
    """
    facts = search.facts
    if not facts["nested"]:
        return None
    inner = pd.read_parquet(search.folder / INNER_PREDICTIONS)
    tested = [test.fold for test in context.tests]
    inner = inner[inner["fold"].isin(tested)].reset_index(drop=True)
    metric = "auprc" if facts["objective"] == "auprc" else "auroc"
    return Promise(metric=metric, figures=_figures(context, inner, metric))


def _figures(context: Context, inner: pd.DataFrame, metric: str) -> dict[str, Interval]:
    test = context.tables.each
    every = pd.concat([inner, test], ignore_index=True)
    cut = len(inner)
    weight = floats(every, "weight")
    statistic = _statistic(inner_table(inner), folded(test), cut, metric)
    within = clusters(
        every["patient_id"].to_numpy(), floats(every, "label"), weight=weight, plan=context.plan
    )
    return intervals(
        statistic, within, weight=weight, plan=context.plan, note=_NOTE, scales={INNER: "logit"}
    )


def inner_table(inner: pd.DataFrame) -> FoldTable:
    """Return the inner predictions; each outer fold stands for a repeat, with its inner folds."""
    repeat, fold = (pd.factorize(inner[name])[0] for name in ("fold", "part"))
    return folded(inner.assign(repeat=repeat, fold=fold))


def _statistic(inner: FoldTable, test: FoldTable, cut: int, metric: str) -> Statistic:
    own, new = (mean_over_folds(table, (metric,)) for table in (inner, test))
    first, second = np.arange(cut), np.arange(cut, cut + len(test.patient))

    def evaluate(weights: RowWeights) -> FloatArray:
        promised = own.evaluate(weights.subset(first))[:, 0]
        kept = new.evaluate(weights.subset(second))[:, 0]
        return np.stack([promised, promised - kept], axis=1)

    return Statistic((INNER, GAP), evaluate)
