"""What the tags of a registered version say of its skill, for a line on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.core.errors import InputError

# Name on a page → its tag; with cross-validation the mean of within-fold figures is the report's
# headline, and is shown in place of the pooled one.
_FIGURES = {"AUROC": "test/auroc", "AUPRC": "test/auprc"}
_WITHIN = "_within_fold"
TEST, FOLDS = "test", "test folds"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of the test part with its 95 % patient-clustered bootstrap interval.

    Attributes:
        name: `AUROC` or `AUPRC`; higher is better.
        value: in [0, 1].
        lo: lower bound of the interval.
        hi: upper bound.
        prevalence: share of the patients with the event, weighted for censoring; None where the
            tags lack it.
        records: of the test part, the censored among them; None of versions from before it was
            tagged.
        patients: that these records are of; None where the tags lack it.
        part: `test`, or `test folds` where it is the mean of the figures within each fold's test
            part: of the folds' networks, not of the refit that is registered.
    """

    name: str
    value: float
    lo: float
    hi: float
    prevalence: float | None
    records: int | None
    patients: int | None
    part: str


def version_figures(tags: Mapping[str, str], *, version: str) -> tuple[Figure, ...]:
    """Return AUROC and AUPRC, as far as the tags have them; never one without its interval.

    Args:
        tags: of a registered version, as `components.core.registry.register` was given them.
        version: name and number, for the error.

    Raises:
        InputError: a tag that is to hold a number holds something else.
    """
    found = (_figure(name, key, tags, version) for name, key in _FIGURES.items())
    return tuple(each for each in found if each is not None)


def _figure(name: str, key: str, tags: Mapping[str, str], version: str) -> Figure | None:
    within = f"{key}{_WITHIN}"
    own, part = (within, FOLDS) if within in tags else (key, TEST)
    value, lo, hi = (_number(f"{own}{end}", tags, version) for end in ("", "_lo", "_hi"))
    if value is None or lo is None or hi is None:
        return None
    return Figure(
        name=name, value=value, lo=lo, hi=hi, part=part,
        prevalence=_number("test/prevalence", tags, version),
        records=_count("test/records", tags, version),
        patients=_count("test/patients", tags, version),
    )  # fmt: skip


def _count(key: str, tags: Mapping[str, str], version: str) -> int | None:
    number = _number(key, tags, version)
    return None if number is None else round(number)


def _number(key: str, tags: Mapping[str, str], version: str) -> float | None:
    """Return a tag's number; None where there is no tag, or what it is of was not defined."""
    if key not in tags:
        return None
    try:
        number = float(tags[key])
    except ValueError as error:
        raise InputError(
            f"the tag '{key}' of {version} holds no number; correct or delete it in the registry"
        ) from error
    return number if math.isfinite(number) else None
