"""Split by the years that a source still tells where it shifts the dates of each patient.

MIMIC-IV moves all dates of a patient by one random offset; days of different patients cannot be
compared, their `anchor_year_group` (three years) can (Johnson et al., Sci Data 2023;10:1).
"""

from __future__ import annotations

import re

import pandas as pd

from components.core.config.sections import SplitConfig
from components.core.errors import InputError, quoted
from components.preprocess.draws import name_parts, strata
from components.preprocess.planned import Planned, one

SHIFTED_NOTE = (
    " The records have a period (anchor_year_group): where dates are shifted per patient, days of "
    "different patients cannot be compared and this split means nothing; take the method period."
)


def by_period(frame: pd.DataFrame, unit: pd.Series, config: SplitConfig) -> Planned:
    """Return the fold `period` and its sentence: tested on the last period.

    Validated on the period before, or, where there are two only, on a drawn share of the first. A
    unit goes by its last period.

    Args:
        frame: `period` and `label` per record.
        unit: per record, what is kept whole.
        config: shares and seed, for two periods.

    Raises:
        InputError: a period is missing or names no year, or there is one only.
    """
    year = _years(frame["period"]).groupby(unit, sort=True).max()
    known = sorted(year.unique())
    names = {int(first): name for name, first in _named(frame["period"]).items()}
    if len(known) == 1:
        raise InputError(
            f"all records are of the period {names[known[0]]}; a split by period needs another, or "
            "choose another preprocess.split.method"
        )
    tested = year == known[-1]
    said = f"Split by period: the test part is {names[known[-1]]}"
    if len(known) == 2:
        part = one(strata(frame["label"], unit), tested, config)
        return {"period": part}, f"{said}, validation is drawn from {names[known[0]]}."
    index, val = year.index, year == known[-2]
    part = name_parts(index, index[~(tested | val)], index[val], index[tested])
    return {"period": part}, f"{said}, validation is {names[known[-2]]}; not stratified."


def _named(period: pd.Series) -> dict[str, int]:
    """Return every period with its first year."""
    found: dict[str, int] = {}
    for name in sorted(period.dropna().unique()):
        year = re.search(r"\d{4}", name)
        if year is None:
            raise InputError(
                f"the period {quoted(name)!r} names no year; write it as in '2014 - 2016'"
            )
        found[name] = int(year.group())
    return found


def _years(period: pd.Series) -> pd.Series:
    missing = int(period.isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(period)} records have no period (anchor_year_group), which the "
            "split goes by; fill it in or choose another preprocess.split.method"
        )
    return period.map(_named(period)).astype("int64")
