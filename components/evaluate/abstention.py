"""What the bundle needs to know when to abstain: where training lies, and how far validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.covariance import LedoitWolf

from components.core.data.cohort import Rows, read_part
from components.core.data.values import ecg_values
from components.core.out_of_distribution import LOWEST_FS, EcgDistribution, summaries
from components.core.store import Stage

Floats = npt.NDArray[np.float64]
# About seventy recordings per summary of eight leads: more would not move the covariance.
_MOST = 5000
_CHUNK = 256


@dataclass(frozen=True, kw_only=True)
class Familiarity:
    """Where the training recordings lie and how far off an answer is still given.

    Attributes:
        distribution: of the training part.
        threshold: on the distance, from the validation part.
        rate: share of recordings like those of validation that is expected above it.
    """

    distribution: EcgDistribution
    threshold: float
    rate: float


def familiarity(cohort: Stage, fold: str, *, rate: float) -> Familiarity | None:
    """Return what tells a fold's own recordings from strange ones; None without usable ECGs.

    Args:
        cohort: the prepared cohort.
        fold: whose training part gives the distribution and whose validation part the threshold.
        rate: asked for; a validation part of n recordings cannot promise less than 1/(n + 1).
    """
    if "ecg" not in cohort.facts["modalities"] or float(cohort.facts["ecg"]["fs"]) <= LOWEST_FS:
        return None
    train, val = (_summaries(cohort, read_part(cohort, fold, part)) for part in ("train", "val"))
    if not len(train) or not len(val):
        return None
    found = fit(train)
    threshold, expected = conformal_threshold(found.distance(val), rate)
    return Familiarity(distribution=found, threshold=threshold, rate=expected)


def fit(train: Floats) -> EcgDistribution:
    """Return the distribution of summaries `[N, F]`; a missing one counts as the mean."""
    known = np.isfinite(train)
    count = known.sum(axis=0)
    safe = np.maximum(count, 1)
    total = np.where(known, train, 0.0).sum(axis=0)
    mean = np.where(count > 0, total / safe, np.nan)
    gap = np.where(known, train - np.nan_to_num(mean), 0.0)
    sd = np.sqrt((gap**2).sum(axis=0) / safe)
    z = gap / np.where(sd > 0, sd, 1.0)
    covariance = LedoitWolf(assume_centered=True).fit(z).covariance_
    return EcgDistribution(mean=mean, sd=sd, covariance=np.asarray(covariance, np.float64))


def conformal_threshold(distances: Floats, rate: float) -> tuple[float, float]:
    """Return a threshold that a further such recording passes with chance `rate` at most.

    The ⌈(n + 1)(1 − rate)⌉-th smallest of `n` distances (split conformal prediction; Vovk,
    Gammerman and Shafer 2005). Where n is too small for the rate it is the largest, and the rate
    that it keeps is 1/(n + 1).

    Returns:
        threshold and the rate that it promises.
    """
    count = distances.size
    place = min(math.ceil((count + 1) * (1 - rate)), count)
    return float(np.sort(distances)[place - 1]), max(rate, 1 / (count + 1))


def _summaries(cohort: Stage, rows: Rows) -> Floats:
    """Return `[n, F]` of a part's recordings, a drawn `_MOST` of them where there are more."""
    where = np.flatnonzero(rows.frame["shard"].notna())
    if where.size > _MOST:
        where = np.sort(np.random.default_rng(0).choice(where, _MOST, replace=False))
    facts = cohort.facts["ecg"]
    found: list[Floats] = []
    for first in range(0, where.size, _CHUNK):
        values, real = ecg_values(rows, where[first : first + _CHUNK])
        found.append(summaries(values, float(facts["fs"]), tuple(facts["leads"]), **real))
    return np.concatenate(found) if found else np.empty((0, 0))
