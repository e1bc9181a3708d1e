"""The two facts about a person that may leave a file: age and sex, where they are plausible."""

from __future__ import annotations

import re

_WHOLE = re.compile("[0-9]{1,5}")
# The longest documented human life is 122 years.
_MAX_AGE = 123
_YEARS_PER = {"years": 1.0, "months": 1 / 12, "weeks": 7 / 365.25, "days": 1 / 365.25}
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}


def whole(age: str) -> float | None:
    """Return an age written as a whole number of units, None for anything else."""
    return float(age) if _WHOLE.fullmatch(age) else None


def age_and_sex(age: float | None, unit: str, sex: str) -> dict[str, str | float]:
    """Return `age` in years and `sex` as the keys of a signal's `meta`; what is unclear is absent.

    Args:
        age: in `unit`, or None.
        unit: years, months, weeks or days, in any case.
        sex: as the file states it, M, F or in words.

    >>> age_and_sex(18, "MONTHS", "F")
    {'age': 1.5, 'sex': 'female'}
    """
    meta: dict[str, str | float] = {}
    scale = _YEARS_PER.get(unit.strip().casefold())
    if age is not None and scale is not None and 0 <= age * scale < _MAX_AGE:
        meta["age"] = age * scale
    found = _SEXES.get(sex.strip().casefold())
    if found is not None:
        meta["sex"] = found
    return meta
