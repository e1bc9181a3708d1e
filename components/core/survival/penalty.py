"""The ridge penalty of a Cox model, chosen inside the patients that the model is fitted on.

By cross-validated partial likelihood (Verweij and van Houwelingen, Stat Med 1993;12:2305) over
whole patients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import threadpoolctl

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, IntArray
from components.core.survival.cox import Cohort, maximise
from components.core.survival.likelihood import log_likelihood

# From nearly none to one under which no coefficient of a standardised column counts.
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
INNER_FOLDS = 5


def choose_penalty(
    data: Cohort,
    groups: npt.ArrayLike,
    *,
    penalties: Sequence[float] = PENALTIES,
    folds: int = INNER_FOLDS,
    seed: int = 0,
) -> float:
    """Return the penalty of the greatest cross-validated partial likelihood.

    For every held-out part this is the likelihood of all rows minus that of the rest, at
    coefficients from the rest. Ties go to the stronger penalty.

    Args:
        data: rows.
        groups: `[n]` patient ids; a patient's rows stay together, patients with and without the
            event are dealt out apart.
        penalties: candidates above 0.
        folds: parts; no more than there are patients with the event.
        seed: of the deal.

    Raises:
        InputError: as `cox.fit_cox`, or fewer than three patients with the event.
    """
    part = _deal(np.asarray(groups), data.event, folds=folds, seed=seed)
    ladder = sorted(penalties, reverse=True)
    gain = np.zeros(len(ladder))
    with threadpoolctl.threadpool_limits(1, "blas"):
        for held in range(int(part.max()) + 1):
            gain += _held_out(data, part, held, ladder)
    return float(ladder[int(np.argmax(gain))])


def _held_out(data: Cohort, part: IntArray, held: int, ladder: Sequence[float]) -> FloatArray:
    """Return the log partial likelihood that a part adds, under each penalty from the strongest."""
    everyone, rest = data.sets(), data.sets(np.flatnonzero(part != held))
    beta = np.zeros(data.x.shape[1])
    found: list[float] = []
    for penalty in ladder:  # each starts where the one before ended
        beta = maximise(rest, penalty, beta).coefficients
        found.append(log_likelihood(everyone, beta) - log_likelihood(rest, beta))
    return np.array(found)


def _deal(
    groups: npt.NDArray[np.generic], event: npt.NDArray[np.bool_], *, folds: int, seed: int
) -> IntArray:
    """Return the part `[n]` of each row."""
    _, patient = np.unique(groups, return_inverse=True)
    has = np.bincount(patient, weights=event) > 0
    if has.sum() < 3:  # two parts must each leave an event, and one more must tell them apart
        raise InputError(
            f"{int(has.sum())} patient(s) had the event, too few to choose a penalty by "
            "cross-validation; bring 3 at least, or set the penalty"
        )
    parts = min(folds, int(has.sum()))
    generator = np.random.default_rng(seed)
    dealt = np.zeros(has.size, dtype=np.int64)
    for flag in (True, False):
        members = generator.permutation(np.flatnonzero(has == flag))
        dealt[members] = np.arange(members.size) % parts
    return dealt[patient]
