"""Which embeddings that are there are hidden, to be imputed and compared with the truth.

A record keeps one at least: from nothing, nothing is imputed. The same seed and records give the
same hiding.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from components.core.imputation.vectors import Flags, Floats

# A record one SD above the mean score is hidden with 88 %, one as far below with 12 %.
STEEPNESS = 2.0


def one_at_a_time(there: Flags) -> list[Flags]:
    """Return one hiding `[n, M]` per modality: it alone, of all who have it and another one.

    Args:
        there: `[n, M]` what the records have.
    """
    several = there.sum(axis=1) >= 2
    found: list[Flags] = []
    for column in range(there.shape[1]):
        hidden = np.zeros_like(there)
        hidden[:, column] = there[:, column] & several
        found.append(hidden)
    return found


def half(there: Flags, *, seed: int) -> Flags:
    """Return a hiding `[n, M]` of half of what each record has, rounded down, drawn at random.

    Args:
        there: `[n, M]` what the records have.
        seed: of the draw.
    """
    lot = np.random.default_rng([seed, 0]).random(there.shape)
    lot[~there] = np.inf
    rank = lot.argsort(axis=1).argsort(axis=1)
    return there & (rank < there.sum(axis=1, keepdims=True) // 2)


def more_often(score: Floats, among: Flags, *, seed: int) -> Flags:
    """Return `[n]` who is hidden where the chance rises with a score: not at random.

    The chance is expit(`STEEPNESS` · z), z being the score's standard units among those who could
    be hidden.

    Args:
        score: `[n]` of each record, such as how ill it is or what is to be hidden; NaN is never
            hidden.
        among: `[n]` who could be hidden.
        seed: of the draw.
    """
    there = among & np.isfinite(score)
    if not there.any():
        return there
    spread = float(score[there].std())
    z = np.where(there, score - score[there].mean(), 0.0) / (spread if spread > 0 else 1.0)
    lot = np.random.default_rng([seed, 1]).random(len(score))
    return there & (lot < expit(STEEPNESS * z))
