"""Logistic regression refitted on growing, nested, random shares of the training patients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.cohort import Rows, read_part
from components.core.metrics.patients import by_patient
from components.core.progress import progress
from components.core.trained import stats_of
from components.evaluate.analysis import Context
from components.evaluate.baselines import fit_predict
from components.evaluate.predictions import KEYS, position
from components.evaluate.regression import INNER_FOLDS

MODEL = "logistic_regression"
Ids = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Subset:
    """Patients to learn from.

    Attributes:
        share: of the training patients of a fold.
        draw: number of the random order that they are the first of.
        patients: their ids.
        events: how many of them have the event.
    """

    share: float
    draw: int
    patients: Ids
    events: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Growth:
    """What was fitted, and what each fit says of the test patients.

    Attributes:
        sizes: one row per fit: `share, patients, events`.
        predictions: one row per fit and test patient: `share, repeat, fold, patient_id, label,
            weight, logit`; `repeat` counts draws, too.
    """

    sizes: pd.DataFrame
    predictions: pd.DataFrame


def subsets(patients: pd.Series, shares: tuple[float, ...], *, draws: int,
            seed: tuple[int, ...]) -> list[Subset]:  # fmt: skip
    """Return the shares of a fold's training patients, largest last.

    Within a draw each share contains the smaller ones, and each class is cut by itself, so that
    the prevalence stays. Everyone is one subset, whatever the number of draws.

    Args:
        patients: label (1 if any recording is positive) by patient id.
        shares: ascending, the last one 1.
        draws: random orders.
        seed: of the draws.
    """
    found: list[Subset] = []
    names = {v: patients.index[patients == v].to_numpy(object) for v in (1, 0)}
    ids: dict[int, Ids] = {value: np.sort(each) for value, each in names.items()}
    for draw in range(draws):
        generator = np.random.default_rng([*seed, draw])
        order = {value: generator.permutation(each) for value, each in ids.items()}
        for share in shares[:-1] if draw else shares:
            cut = {value: each[: round(share * len(each))] for value, each in order.items()}
            chosen = np.concatenate([cut[1], cut[0]])
            found.append(Subset(share=share, draw=draw, patients=chosen, events=len(cut[1])))
    return sorted(found, key=lambda each: each.share)


def training_patients(context: Context, fold: str) -> tuple[list[Rows], pd.Series]:
    """Return train and validation rows of a fold, and the label of each of their patients.

    They are what the simple models learn from in the main comparison, too.
    """
    stages, own = context.stages, stats_of(context.stages.train, fold)
    seen = [read_part(stages.cohort, fold, part, stats=own) for part in ("train", "val")]
    frame = pd.concat([rows.frame for rows in seen])
    return seen, frame.groupby("patient_id")["label"].max().astype(int)


def grow(context: Context) -> Growth | None:
    """Return the predictions of every fit, or None where fewer than two shares can be fitted.

    A share needs an event for each inner fold in every fold. Weights of censoring stay those of
    the whole training part.
    """
    config = context.task.evaluate.learning_curve
    draws = -(-config.draws // len(context.tests))
    jobs: list[tuple[int, list[Rows], Subset]] = []
    for place, test in enumerate(context.tests):
        seen, patients = training_patients(context, test.fold)
        chosen = subsets(patients, config.shares, draws=draws, seed=(context.plan.seed, place))
        jobs += [(place, seen, subset) for subset in chosen]
    short = {subset.share for _, _, subset in jobs if subset.events < INNER_FOLDS}
    kept = [job for job in jobs if job[2].share not in short]
    if len(set(config.shares) - short) < 2:
        return None
    sizes = [(s.share, len(s.patients), s.events) for _, _, s in kept]
    return Growth(
        sizes=pd.DataFrame(sizes, columns=["share", "patients", "events"]),
        predictions=pd.concat(list(_fits(context, kept, draws)), ignore_index=True),
    )


def _fits(
    context: Context, jobs: list[tuple[int, list[Rows], Subset]], draws: int
) -> Iterator[pd.DataFrame]:
    with progress("evaluate: learning curve", len(jobs), "fits") as advance:
        for place, seen, subset in jobs:
            test = context.tests[place]
            few = [_only(rows, subset.patients) for rows in seen]
            logit = fit_predict(MODEL, few, test.rows, context.features)
            own = by_patient(test.rows.frame[KEYS].assign(logit=logit))
            repeat, fold = position(test.fold)
            yield pd.DataFrame(vars(own)).assign(
                share=subset.share, repeat=repeat * draws + subset.draw, fold=fold
            )
            advance(1)


def _only(rows: Rows, patients: Ids) -> Rows:
    """Return the rows of some patients."""
    return rows.take(np.flatnonzero(rows.frame["patient_id"].isin(patients)))
