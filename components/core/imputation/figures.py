"""Figures of imputation with their intervals, by the project's one bootstrap of patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.core.imputation.pairs import COSINE, COVERED, ERROR, LEVELS, OURS
from components.core.imputation.peers import MEAN
from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.column_means import mean_intervals, patients_with
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan, clusters

# Of all modalities together, each counting alike.
OVERALL = "all"
_SEPARATOR = "|"


def of(found: dict[str, Interval], modality: str) -> dict[str, Interval]:
    """Return the figures of one modality, or of `OVERALL`, without its name."""
    start = f"{modality}{_SEPARATOR}"
    return {name.removeprefix(start): own for name, own in found.items() if name.startswith(start)}


def error_figures(
    pairs: pd.DataFrame, modalities: Sequence[str], ways: Sequence[str], plan: Plan
) -> dict[str, Interval]:
    """Return per modality and over all `mse_relative_<way>` and `gain_over_<way>`.

    `mse_relative_<way>` is the mean squared error over that of the training mean: 1 is no better
    than the mean, lower is better. `gain_over_<way>` is that way's relative error minus ours on the
    same draws of patients: above 0 ours is better; over the mean it is the share of the error that
    is done away with. Over all, relative errors are averaged over modalities.

    Args:
        pairs: from `pair_frame`, `mean` and `model` among its ways.
        modalities: in use.
        ways: beside `model`, the mean first.
        plan: how to resample.
    """
    every = [OURS, *ways]
    errors = np.concatenate([_columns(pairs, name, every) for name in modalities], axis=1)
    shape = (len(modalities), len(every))
    names = [
        f"{name}{_SEPARATOR}{figure}"
        for name in (*modalities, OVERALL)
        for figure in (*(f"mse_relative_{way}" for way in every),
                       *(f"gain_over_{way}" for way in ways))
    ]  # fmt: skip

    def evaluate(weights: RowWeights) -> FloatArray:
        sums = weights.totals(errors)
        sums = sums.reshape(len(sums), *shape)
        mean = sums[:, :, [every.index(MEAN)]]
        relative = np.where(mean > 0, sums / np.where(mean > 0, mean, 1.0), np.nan)
        relative = np.concatenate([relative, _over_all(relative)], axis=1)
        both = np.concatenate([relative, relative[:, :, 1:] - relative[:, :, :1]], axis=2)
        return both.reshape(len(sums), -1)

    within = clusters(pairs["patient_id"].to_numpy(), None, weight=None, plan=plan)
    patients = _patients(pairs, modalities)
    return intervals(
        Statistic(tuple(names), evaluate), within, weight=None, plan=plan,
        patients={name: patients[name.partition(_SEPARATOR)[0]] for name in names},
    )  # fmt: skip


def _over_all(relative: FloatArray) -> FloatArray:
    """Return `[S, 1, K]` means over the modalities of which some pair was hidden."""
    known = ~np.isnan(relative)
    total = np.where(known, relative, 0.0).sum(axis=1, keepdims=True)
    count = known.sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _columns(pairs: pd.DataFrame, modality: str, ways: Sequence[str]) -> FloatArray:
    """Return `[n, K]` errors of the pairs of a modality, 0 of others and where none is known."""
    own = (pairs["modality"] == modality).to_numpy()[:, None]
    found = pairs[[f"{ERROR}{way}" for way in ways]].to_numpy(np.float64)
    return np.where(own & np.isfinite(found), found, 0.0)


def _patients(pairs: pd.DataFrame, modalities: Sequence[str]) -> dict[str, int]:
    each = {name: pairs.loc[pairs["modality"] == name, "patient_id"].nunique()
            for name in modalities}  # fmt: skip
    return each | {OVERALL: pairs["patient_id"].nunique()}


def pair_counts(pairs: pd.DataFrame, modalities: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return modality (and `OVERALL`) → hidden pairs and patients."""
    patients = _patients(pairs, modalities)
    count = pairs["modality"].value_counts()
    rows = {name: int(count.get(name, 0)) for name in modalities} | {OVERALL: len(pairs)}
    return {name: (rows[name], patients[name]) for name in rows}


def mean_figures(
    pairs: pd.DataFrame, modalities: Sequence[str], columns: dict[str, str], plan: Plan
) -> dict[str, Interval]:
    """Return per modality and over all pairs the mean of columns, with intervals.

    Args:
        pairs: from `pair_frame`.
        modalities: in use.
        columns: name of the figure → column.
        plan: how to resample.
    """
    parts: list[FloatArray] = []
    names: list[str] = []
    for name in (*modalities, OVERALL):
        own = (pairs["modality"] == name).to_numpy() | (name == OVERALL)
        for figure, column in columns.items():
            parts.append(np.where(own, pairs[column].to_numpy(np.float64), np.nan))
            names.append(f"{name}{_SEPARATOR}{figure}")
    values = np.stack(parts, axis=1)
    groups = pairs["patient_id"].to_numpy()
    found = mean_intervals(values, names, groups, plan=plan)
    having = dict(zip(names, patients_with(values, groups).tolist(), strict=True))
    return {name: own for name, own in found.items() if having[name]}


def coverage_columns() -> dict[str, str]:
    """Return figure → column of the shares of entries within our intervals."""
    return {f"coverage_{round(100 * level)}": f"{COVERED}{level:g}" for level in LEVELS}


def cosine_columns(ways: Sequence[str]) -> dict[str, str]:
    """Return figure → column of the cosines of ways that are not the mean, which has none."""
    return {f"cosine_{way}": f"{COSINE}{way}" for way in (OURS, *ways) if way != MEAN}
