"""Drawn splits: a holdout, or repeated folds, stratified on the label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from components.core.config.sections import SplitConfig
from components.core.errors import InputError
from components.core.schemas import PARTS

# Stratum of a unit whose label nobody knows, beside 0 and 1.
UNDETERMINED = 2
# Fewer undetermined units than this cannot be spread over two cuts by scikit-learn.
_MIN_STRATUM = 4


def strata(label: pd.Series, unit: pd.Series) -> pd.Series:
    """Return per unit its stratum: 1 if any record is positive, else 0, 2 if none is known."""
    return label.groupby(unit, sort=True).max().fillna(UNDETERMINED).astype(int)


def draw(labels: pd.Series, method: str, config: SplitConfig) -> dict[str, pd.Series]:
    """Return fold name → part of every unit.

    Args:
        labels: stratum per unit. Undetermined units are a stratum of their own, or are spread like
            negatives where they are too few for one.
        method: `holdout` or `folds`.
        config: shares, folds, repeats, seed.

    Raises:
        InputError: too few units of a class.
    """
    _check_sizes(labels, method, config)
    if int((labels == UNDETERMINED).sum()) < max(_MIN_STRATUM, config.folds):
        labels = labels.replace(UNDETERMINED, 0)
    return _holdout(labels, config) if method == "holdout" else _folds(labels, config)


def _check_sizes(labels: pd.Series, method: str, config: SplitConfig) -> None:
    needed = 3 if method == "holdout" else config.folds
    what = "patient(s)" if config.group == "patient" else f"whole {config.group} group(s)"
    for value, name in ((1, "with"), (0, "without")):
        count = int((labels == value).sum())
        if count < needed:
            raise InputError(
                f"there are {count} {what} {name} the event; {method} needs at least "
                f"{needed}: bring more data or check the label column"
            )


def _holdout(labels: pd.Series, config: SplitConfig) -> dict[str, pd.Series]:
    _, val, test = config.fractions
    rest, tested = cut(labels, test, config.seed)
    train, validated = cut(rest, val / (1 - test), config.seed + 1)
    return {"holdout": name_parts(labels.index, train.index, validated.index, tested.index)}


def _folds(labels: pd.Series, config: SplitConfig) -> dict[str, pd.Series]:
    found: dict[str, pd.Series] = {}
    for repeat in range(config.repeats):
        drawn = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed + repeat)
        cuts = drawn.split(np.zeros(len(labels)), labels.to_numpy())
        for fold, (outer, test) in enumerate(cuts):
            seed = config.seed + 1000 * (repeat + 1) + fold
            train, val = cut(labels.iloc[outer], config.inner_fraction, seed)
            tested = labels.iloc[test]
            parts = name_parts(labels.index, train.index, val.index, tested.index)
            found[f"r{repeat}f{fold}"] = parts
    return found


def cut(labels: pd.Series, share: float, seed: int) -> tuple[pd.Series, pd.Series]:
    """Return (rest, cut) with `share` of the units of each stratum in the cut."""
    drawn = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    rest, chosen = next(drawn.split(np.zeros(len(labels)), labels.to_numpy()))
    return labels.iloc[rest], labels.iloc[chosen]


def name_parts(index: pd.Index, train: pd.Index, val: pd.Index, test: pd.Index) -> pd.Series:
    """Return the part of every unit of `index`."""
    parts = pd.Series("", index=index, dtype="object")
    for name, members in zip(PARTS, (train, val, test), strict=True):
        parts[members] = name
    return parts
