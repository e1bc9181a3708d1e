"""Concordance of risk scores with times to event: Harrell's and Uno's C.

Scores are risks: higher means an earlier event. Probabilities of surviving have to be negated.
A pair counts where one had the event while the other was still followed and free of it (censored on
that very day included); two events on one day are no pair. Tied scores count one half.

Where death competes, who died first can no longer have the event and counts as the lower risk of
every pair with an event (Wolbers et al., Epidemiology 2009;20:555). C is then about the event's
cumulative incidence, not about a world without death.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.dominance import Bools, Pairs, comparable, concordant, pairs
from components.core.metrics.followed import Followed, followed
from components.core.metrics.ipcw import CENSORED
from components.core.metrics.metric import RowWeights, Statistic

Kind = Literal["harrell", "uno"]


def harrell_c(time: Vector, event: Vector, risk: Vector, weight: Vector | None = None) -> float:
    """Return Harrell's C (Harrell et al., Stat Med 1996;15:361); NaN without a comparable pair.

    In [0, 1], 0.5 by chance. With much censoring it depends on when patients were censored.

    >>> harrell_c([1, 2, 3, 4], [1, 0, 1, 0], [0.9, 0.1, 0.3, 0.4])
    0.75

    Args:
        time: `[n]` days.
        event: `[n]` codes 0 censored, 1 event, 2 competing.
        risk: `[n]` higher means an earlier event.
        weight: `[n]` row weights.

    Raises:
        InputError: arrays that do not fit together, or impossible times or codes.
    """
    sample = followed(time, event)
    return _single(concordance(sample, risk, kind="harrell"), sample, weight)


def uno_c(
    time: Vector,
    event: Vector,
    risk: Vector,
    *,
    tau: float | None = None,
    weight: Vector | None = None,
) -> float:
    """Return Uno's C (Uno et al., Stat Med 2011;30:1105), which censoring does not bias.

    Each pair is weighted by 1/G(t−)² at its event. With competing events the weights are those of
    Wolbers et al. (Biostatistics 2014;15:526): 1/(G(tᵢ−)·G(tⱼ−)) for who died first.

    Args:
        time: `[n]` days.
        event: `[n]` codes 0 censored, 1 event, 2 competing.
        risk: `[n]` higher means an earlier event.
        tau: days; only events before it count, since G is small and unsteady late in follow-up.
        weight: `[n]` row weights; they do not enter G.

    Raises:
        InputError: as `harrell_c`, or a truncation that is no positive number.
    """
    sample = followed(time, event)
    return _single(concordance(sample, risk, kind="uno", tau=tau), sample, weight)


def concordance(
    sample: Followed, risk: Vector, *, kind: Kind, tau: float | None = None
) -> Statistic:
    """Return Harrell's or Uno's C as the statistic `harrell_c` or `uno_c` for the bootstrap.

    Args:
        sample: follow-up; its G stays the same in every draw.
        risk: `[n]` higher means an earlier event.
        kind: `harrell` or `uno`.
        tau: days; only events before it count.

    Raises:
        InputError: as `uno_c`.
    """
    score = finite(risk, "the risk score", rows=sample.time.size)
    if tau is not None and not tau > 0:
        raise InputError(f"the truncation time is {tau:g} days; give a positive number")
    first = sample.event if tau is None else sample.event & (sample.time < tau)
    terms = _harrell(sample, score, first) if kind == "harrell" else _uno(sample, score, first)

    def evaluate(weights: RowWeights) -> FloatArray:
        drawn = np.ascontiguousarray(weights.take(np.arange(score.size)).T, dtype=np.float64)
        held, every = np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
        for known, one, other in terms:
            ours, theirs = drawn * one[:, None], drawn * other[:, None]
            held += concordant(known, ours, theirs)
            every += comparable(known, ours, theirs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (held / every)[:, None]

    return Statistic((f"{kind}_c",), evaluate)


# Pairs, and the factors `[n]` of the weight of the first row and of the second.
_Term = tuple[Pairs, FloatArray, FloatArray]


def _harrell(sample: Followed, score: FloatArray, first: Bools) -> list[_Term]:
    rank = _rank(sample.time)
    key = np.where(sample.event, 2 * rank, 2 * rank + 1)
    key = np.where(sample.competing, np.inf, key)
    ones = np.ones_like(score)
    return [(pairs(key, score, first=first, second=ones > 0), first.astype(np.float64), ones)]


def _uno(sample: Followed, score: FloatArray, first: Bools) -> list[_Term]:
    """Return the pairs of an event and a later row, then those of an event and an earlier death."""
    rank, ones = _rank(sample.time), np.ones_like(score)
    inverse = np.zeros_like(score)
    inverse[first] = 1 / sample.uncensored(sample.time[first])
    key = np.where(sample.code == CENSORED, 2 * rank + 1, 2 * rank)
    found = [(pairs(key, score, first=first, second=ones > 0), inverse**2, ones)]
    # A death on the day of an event counts as earlier, so that no pair counts twice.
    dead = sample.competing & (sample.time <= sample.time[first].max(initial=-1.0))
    if dead.any():
        theirs = np.zeros_like(score)
        theirs[dead] = 1 / sample.uncensored(sample.time[dead])
        key = np.where(dead, 1 - 2 * rank, -2 * rank)
        found.append((pairs(key, score, first=first, second=dead), inverse, theirs))
    return found


def _rank(time: FloatArray) -> FloatArray:
    return np.searchsorted(np.unique(time), time).astype(np.float64)


def _single(statistic: Statistic, sample: Followed, weight: Vector | None) -> float:
    own = checked_weights(weight, rows=sample.time.size)
    return float(statistic.evaluate(RowWeights.observed(sample.time.size, own))[0, 0])
