"""When events happen: scattered by a rate, or planted within and before their windows."""

from __future__ import annotations

import numpy as np

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.icu import mechanism
from components.ingest.synthetic.icu.draw import HOUR, IntArray, Stays
from components.ingest.synthetic.icu.mechanism import HOURS, NAMES, PLANTED, Planted

# Hours after the prediction that are written out; a long stay's later rows are of no use.
AFTER = 72.0
# Hours by which planted events keep off the edges of their windows.
_EDGE = 0.3
_AGAIN = 0.3
# Hours that what comes after the prediction keeps off it: times are cut to whole minutes.
_LATER = 0.05

Moments = tuple[IntArray, FloatArray]


def scattered(
    rng: np.random.Generator, stays: Stays, *, before: FloatArray, daily: float, since: FloatArray
) -> Moments:
    """Return places of stays and hours before the prediction, negative after it.

    Args:
        rng: of the table and block.
        stays: of the block.
        before: `[n]` how many are expected by the prediction.
        daily: how many a day are expected after it, in a stay of intensity 1.
        since: `[n]` hours before the prediction of the first.
    """
    after = hours_after(stays)
    first, then = rng.poisson(before), rng.poisson(stays.intensity * daily * after / 24.0)
    stay = np.concatenate([np.repeat(np.arange(stays.size), each) for each in (first, then)])
    early = np.arange(len(stay)) < first.sum()
    low = np.where(early, 0.0, np.minimum(-after[stay], -_LATER))
    return stay, rng.uniform(low, np.where(early, since[stay], -_LATER))


def hours_after(stays: Stays) -> FloatArray:
    """Return `[n]` how many hours after the prediction are written out."""
    left = (stays.end - stays.prediction) / HOUR
    return np.where(stays.kept, np.clip(left, 0.0, AFTER), 0.0)


def level(stays: Stays, moments: Moments) -> FloatArray:
    """Return `[m]` the hidden severity at each moment."""
    stay, hours = moments
    return mechanism.severity(
        hours, early=stays.early[stay], late=stays.late[stay], after=stays.after[stay]
    )


def planted(
    rng: np.random.Generator, stays: Stays, name: str, *, least: float = 0.0, most: float = np.inf
) -> Moments:
    """Return when a planted event happened: within its window, before it, after the prediction.

    Args:
        rng: of the table and block.
        stays: of the block.
        name: one of `NAMES`.
        least: hours before the prediction that one within the window has at least.
        most: hours before the prediction that none lies beyond, whoever was there longer.
    """
    place = NAMES.index(name)
    own = PLANTED[place]
    every = np.arange(stays.size)
    inside = np.repeat(every, stays.inside[:, place] * (1 + (rng.random(stays.size) < _AGAIN)))
    earlier = every[stays.earlier[:, place]]
    later = every[rng.random(stays.size) < _later(stays, own)]
    limit = np.minimum(np.minimum(stays.span, most), own.window_hours + 72.0)[earlier]
    hours = (
        rng.uniform(max(least, _EDGE), own.window_hours - _EDGE, len(inside)),
        rng.uniform(own.window_hours + _EDGE, limit - _EDGE / 2),
        -rng.uniform(_LATER, hours_after(stays)[later]),
    )
    return np.concatenate([inside, earlier, later]), np.concatenate(hours)


def _later(stays: Stays, own: Planted) -> FloatArray:
    """Return `[n]` how likely it is after the prediction; never where there is hardly a later."""
    chance = mechanism.chances(stays.after)[:, PLANTED.index(own)]
    return np.where(hours_after(stays) > _EDGE, chance, 0.0)


def in_icu(stays: Stays) -> FloatArray:
    """Return `[n]` hours before the prediction at which the ICU stay began."""
    return np.full(stays.size, HOURS)
