"""Splits by calendar time and by site: the test part differs from training as a new ward would.

Neither is stratified: which patients come later, or to which hospital, is what it is.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from components.core.config.sections import SplitConfig
from components.core.errors import InputError, nearest
from components.preprocess.draws import UNDETERMINED, cut, name_parts, strata

# A class with fewer units than this cannot be cut in two; validation is then drawn unstratified.
_MIN_CLASS = 2
Planned = tuple[dict[str, pd.Series], str]


def temporal(frame: pd.DataFrame, unit: pd.Series, config: SplitConfig) -> Planned:
    """Return the fold `temporal` (train before validation before test) and its sentence.

    A unit goes by its last index date, so that nothing in training is later than the test part's
    first day; index dates of one calendar day stay together.

    Args:
        frame: `index_time` per record.
        unit: per record, what is kept whole.
        config: `test_from`, or the shares.

    Raises:
        InputError: an index date is missing, or a part would be empty.
    """
    missing = int(frame["index_time"].isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(frame)} records have no index_time, which a temporal split goes "
            "by; fill it in or choose another preprocess.split.method"
        )
    last = frame["index_time"].dt.normalize().groupby(unit, sort=True).max()
    train, val, test = config.fractions
    since = pd.Timestamp(config.test_from) if config.test_from else _day(last, test)
    before = last[last < since]
    if before.empty or len(before) == len(last):
        raise _empty_part(last, since.date())
    val_since = _day(before, val / (train + val))
    older, newer = before.index[before < val_since], before.index[before >= val_since]
    if older.empty:
        raise _empty_part(last, since.date())
    parts = name_parts(last.index, older, newer, last.index[last >= since])
    return {"temporal": parts}, (
        f"Temporal split: validation from {val_since.date()}, test from {since.date()} on, by the "
        "patient's last index date; not stratified."
    )


def _day(days: pd.Series, share: float) -> pd.Timestamp:
    """Return the first day of the last `share` of the units."""
    ordered = days.sort_values(ignore_index=True)
    return ordered.iloc[min(len(ordered) - 1, round(len(ordered) * (1 - share)))]


def _empty_part(days: pd.Series, since: date) -> InputError:
    return InputError(
        f"a temporal split with the test part from {since} on leaves a part empty (index dates "
        f"run from {days.min().date()} to {days.max().date()}); set preprocess.split.test_from"
    )


def by_site(frame: pd.DataFrame, unit: pd.Series, config: SplitConfig) -> Planned:
    """Return the fold `site`, or one fold per site (`r0f0`, …), and the sentence that names them.

    Validation is drawn, stratified on the label, from the sites that are not tested.

    Args:
        frame: `site` and `label` per record.
        unit: per record, what is kept whole.
        config: `test_sites`, shares, seed.

    Raises:
        InputError: a site is missing or not known, a unit has records at a test site and at
            another, or there is one site only.
    """
    sites = _sites(frame, config)
    labels = strata(frame["label"], unit)
    if config.test_sites:
        chosen = _tested(frame, unit, set(config.test_sites))
        names = ", ".join(config.test_sites)
        return {"site": one(labels, chosen, config)}, (
            f"Split by site: the test part is {names}; not stratified."
        )
    folds = {f"r0f{i}": one(labels, _tested(frame, unit, {s}), config, fold=i)
             for i, s in enumerate(sites)}  # fmt: skip
    return folds, f"Leave one site out: the test folds are {', '.join(sites)} in this order."


def _sites(frame: pd.DataFrame, config: SplitConfig) -> list[str]:
    missing = int(frame["site"].isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(frame)} records have no site, which the split goes by; fill it in "
            "or choose another preprocess.split.method"
        )
    sites = sorted(frame["site"].unique())
    for name in config.test_sites:
        if name not in sites:
            raise InputError(f"preprocess.split.test_sites names '{name}'; {nearest(name, sites)}")
    if len(sites) - len(set(config.test_sites)) < 1 or len(sites) == 1:
        raise InputError(
            f"all records are of the test site(s) {', '.join(sites)}; training needs another site"
        )
    return sites


def _tested(frame: pd.DataFrame, unit: pd.Series, sites: set[str]) -> pd.Series:
    """Return per unit whether it is tested."""
    inside = frame["site"].isin(sites).groupby(unit, sort=True)
    some, every = inside.any(), inside.all()
    astride = int((some & ~every).sum())
    if astride:
        raise InputError(
            f"{astride} patient(s) have records at {', '.join(sorted(sites))} and elsewhere, so a "
            "split by site would tear them apart; give each patient one site"
        )
    return every


def one(labels: pd.Series, tested: pd.Series, config: SplitConfig, fold: int = 0) -> pd.Series:
    """Return the part of every unit, validation drawn from those that are not tested.

    Args:
        labels: stratum per unit.
        tested: per unit.
        config: shares and seed.
        fold: number of the fold, added to the seed.

    Raises:
        InputError: there are not two units outside the test part.
    """
    train, val, _ = config.fractions
    rest = labels[~tested]
    if len(rest) < _MIN_CLASS:
        raise InputError(
            f"there are {len(rest)} patient(s) outside the test part; training and validation need "
            "one each: bring more data or choose another preprocess.split.method"
        )
    counts = rest.replace(UNDETERMINED, 0).value_counts()
    drawn = rest.replace(UNDETERMINED, 0)
    if counts.min() < _MIN_CLASS:
        drawn = drawn.mul(0)
    outer, inner = cut(drawn, val / (train + val), config.seed + fold)
    return name_parts(labels.index, outer.index, inner.index, labels.index[tested])
