"""Who trains, who validates, who is tested: whole patients, stratified on the patient's label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from components.core.config.sections import SplitConfig
from components.core.errors import InputError
from components.core.schemas import PART_PREFIX, PARTS

Parts = dict[str, pd.Series]


def assign(frame: pd.DataFrame, config: SplitConfig) -> Parts:
    """Return fold name → part (`train`, `val`, `test`) of every record.

    Args:
        frame: `patient_id`, `label` (0, 1, missing) and `given_split` per record.
        config: method, shares, folds, seed.

    Raises:
        InputError: too few patients of a class, or splits given for some records only.
    """
    method = resolve(frame, config)
    if method == "given":
        parts = {"given": frame["given_split"].astype("string")}
    else:
        patients = frame.groupby("patient_id", sort=True)["label"].max()
        labels = patients.fillna(0).astype(int)  # undetermined patients are spread like negatives
        _check_sizes(labels, method, config)
        drawn = _holdout(labels, config) if method == "holdout" else _folds(labels, config)
        parts = {name: frame["patient_id"].map(part) for name, part in drawn.items()}
    _check_classes(frame, parts)
    return {f"{PART_PREFIX}{name}": part for name, part in parts.items()}


def resolve(frame: pd.DataFrame, config: SplitConfig) -> str:
    """Return `given`, `holdout` or `folds`."""
    has = frame["given_split"].notna()
    if config.method in {"auto", "given"} and has.any():
        if not has.all():
            raise InputError(
                f"{int((~has).sum())} of {len(has)} records have no split while others bring one; "
                "fill the column, or set preprocess.split.method to holdout or folds"
            )
        return "given"
    if config.method == "given":
        raise InputError("preprocess.split.method is 'given', but the data bring no split column")
    if config.method != "auto":
        return config.method
    patients = frame.groupby("patient_id")["label"].max()
    few = len(patients) < config.min_patients or int((patients == 1).sum()) < config.min_events
    return "folds" if few else "holdout"


def _check_sizes(labels: pd.Series, method: str, config: SplitConfig) -> None:
    needed = 3 if method == "holdout" else config.folds
    for value, name in ((1, "with"), (0, "without")):
        count = int((labels == value).sum())
        if count < needed:
            raise InputError(
                f"there are {count} patient(s) {name} the event; {method} needs at least "
                f"{needed}: bring more data or check the label column"
            )


def _holdout(labels: pd.Series, config: SplitConfig) -> Parts:
    _, val, test = config.fractions
    rest, tested = _cut(labels, test, config.seed)
    train, validated = _cut(rest, val / (1 - test), config.seed + 1)
    return {"holdout": _name(labels.index, train.index, validated.index, tested.index)}


def _folds(labels: pd.Series, config: SplitConfig) -> Parts:
    found: Parts = {}
    for repeat in range(config.repeats):
        draw = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed + repeat)
        cuts = draw.split(np.zeros(len(labels)), labels.to_numpy())
        for fold, (outer, test) in enumerate(cuts):
            seed = config.seed + 1000 * (repeat + 1) + fold
            train, val = _cut(labels.iloc[outer], config.inner_fraction, seed)
            tested = labels.iloc[test]
            parts = _name(labels.index, train.index, val.index, tested.index)
            found[f"r{repeat}f{fold}"] = parts
    return found


def _cut(labels: pd.Series, share: float, seed: int) -> tuple[pd.Series, pd.Series]:
    """Return (rest, cut) with `share` of the patients of each class in the cut."""
    draw = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    rest, cut = next(draw.split(np.zeros(len(labels)), labels.to_numpy()))
    return labels.iloc[rest], labels.iloc[cut]


def _name(index: pd.Index, train: pd.Index, val: pd.Index, test: pd.Index) -> pd.Series:
    parts = pd.Series("", index=index, dtype="object")
    for name, members in zip(PARTS, (train, val, test), strict=True):
        parts[members] = name
    return parts


def _check_classes(frame: pd.DataFrame, parts: Parts) -> None:
    for fold, part in parts.items():
        for name in PARTS:
            labels = frame.loc[part == name, "label"].dropna()
            for value in (0, 1):
                if not (labels == value).any():
                    raise InputError(
                        f"the {name} part of {fold} has no record with label {value}; both classes "
                        "are needed in every part: bring more data or check the label column"
                    )
