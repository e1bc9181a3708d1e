"""What was hidden of the test part, and what came of imputing it, over all folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from components.core.data.cohort import Rows
from components.core.heads.known import LABEL
from components.core.imputation.answers import Answers, ready_batches
from components.core.imputation.fold import FoldImputer
from components.core.imputation.hide import half, more_often
from components.core.imputation.vectors import Floats, Vectors
from components.core.modalities import EmbeddingModality
from components.core.planted_factors import PlantedFactors
from components.evaluate.imputation.best import best_alone

BEST = "best"
BY_VALUE, BY_OUTCOME = "by_value", "by_outcome"
FIRST, LAST, SHRANK = "sd_first", "sd_last", "sd_shrank"
# Burda, Grosse and Salakhutdinov, ICLR 2016.
ACTIVE = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Hidden pairs of all folds.

    Attributes:
        names: the modalities.
        alone: each hidden by itself (`pair_frame`), with `fold`, `sd_first` and `sd_last` (stated
            SD after the first and the last round), `sd_shrank` (0 or 1), and `by_value` and
            `by_outcome`: whether it is among those drawn not at random.
        half: half of what a record has hidden at once.
        active: fold → active latent units of each of its models, and how many there are.
        rounds: of refinement.
    """

    names: tuple[EmbeddingModality, ...]
    alone: pd.DataFrame
    half: pd.DataFrame
    active: dict[str, tuple[tuple[int, int], ...]]
    rounds: int


def judge(
    imputers: dict[str, FoldImputer],
    rows: dict[str, Rows],
    *,
    seed: int,
    planted: PlantedFactors | None = None,
) -> Judged:
    """Return the hidden pairs of every fold's test part.

    Args:
        imputers: fold → what imputes.
        rows: fold → its test part.
        seed: of what is hidden.
        planted: the joint distribution of the modalities, for the way `best`.
    """
    alone: list[pd.DataFrame] = []
    together: list[pd.DataFrame] = []
    active: dict[str, tuple[tuple[int, int], ...]] = {}
    rounds = 0
    for fold, imputer in imputers.items():
        own = rows[fold]
        truth = imputer.read(own)
        also = {} if planted is None else {BEST: best_alone(planted, truth, own)}
        frame, said = imputer.judged(own, also=also)
        frame = _with_rounds(frame, said, imputer.names)
        alone.append(_not_at_random(frame, imputer, truth, own, seed).assign(fold=fold))
        many, _ = imputer.judged(own, half(truth.there, seed=seed))
        together.append(many.assign(fold=fold))
        active[fold] = _active(imputer, own)
        rounds = len(said.rounds)
    return Judged(
        names=next(iter(imputers.values())).names,
        alone=pd.concat(alone, ignore_index=True),
        half=pd.concat(together, ignore_index=True),
        active=active,
        rounds=rounds,
    )


def _with_rounds(
    frame: pd.DataFrame, said: Answers, names: tuple[EmbeddingModality, ...]
) -> pd.DataFrame:
    column = frame["modality"].map({name: m for m, name in enumerate(names)}).to_numpy(np.int64)
    place = frame["place"].to_numpy(np.int64)
    first, last = said.rounds[0][place, column], said.rounds[-1][place, column]
    return frame.assign(**{FIRST: first, LAST: last, SHRANK: (last < first).astype(np.float64)})


def _not_at_random(
    frame: pd.DataFrame, imputer: FoldImputer, truth: Vectors, rows: Rows, seed: int
) -> pd.DataFrame:
    outcome = rows.frame[LABEL].to_numpy(np.float64, na_value=np.nan)
    drawn = {BY_VALUE: np.zeros(len(frame), np.bool_), BY_OUTCOME: np.zeros(len(frame), np.bool_)}
    for name in imputer.names:
        own = np.flatnonzero(frame["modality"] == name)
        place = frame["place"].to_numpy(np.int64)[own]
        among = np.ones(len(own), np.bool_)
        scores = {
            BY_VALUE: _first_component(imputer, name, truth)[place],
            BY_OUTCOME: outcome[place],
        }
        for why, score in scores.items():
            drawn[why][own] = more_often(score, among, seed=seed)
    return frame.assign(**drawn)


def _first_component(imputer: FoldImputer, name: EmbeddingModality, truth: Vectors) -> Floats:
    """Return `[n]` where each record lies along the training part's first component."""
    one = Vectors(
        names=(name,), entries={name: truth.entries[name]},
        there=truth.column(name)[:, None], patient=truth.patient,
    )  # fmt: skip
    return imputer.axes.scores(one)[:, 0]


def _active(imputer: FoldImputer, rows: Rows) -> tuple[tuple[int, int], ...]:
    """Return of each model how many latent units are active among how many.

    The variance is over all records: of several batches it is put together by their sizes, which
    leaves out how their means differ; records lie in no order, so that is next to nothing.
    """
    found: list[tuple[int, int]] = []
    for model in imputer.models:
        total: Floats | None = None
        for index, _, ready in ready_batches(rows, imputer.place):
            with torch.no_grad():
                own = len(index) * model.active_units(ready).double().cpu().numpy()
            total = own if total is None else total + own
        variance = np.zeros(0) if total is None else total / len(rows)
        found.append((int((variance > ACTIVE).sum()), variance.size))
    return tuple(found)
