"""What each of several modalities adds to a figure: exact Shapley values over all their subsets.

The value of a modality is its mean gain over all orders in which the modalities could be added
(Shapley 1953, Contributions to the Theory of Games II, 307-317). The values add up to the figure
with all modalities minus that with none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations

from components.core.errors import InputError

# 2^5 subsets each epoch are still cheap; beyond, a sampled estimate would be needed.
MOST = 5
# An AUROC that knows nothing of a patient: every score is the same, and ties count one half.
CHANCE_AUROC = 0.5
Subset = frozenset[str]


def subsets(names: Iterable[str]) -> tuple[Subset, ...]:
    """Return all subsets of the modalities, smaller ones first, the empty one at the start.

    Raises:
        InputError: more than five modalities.
    """
    own = tuple(names)
    if len(own) > MOST:
        raise InputError(
            f"contributions were asked for of {len(own)} modalities; at most {MOST} have all "
            "subsets looked at"
        )
    return tuple(
        frozenset(chosen) for size in range(len(own) + 1) for chosen in combinations(own, size)
    )


def shapley(figures: Mapping[Subset, float]) -> dict[str, float]:
    """Return modality → Shapley value, in the figure's own unit; above 0 it adds, below it harms.

    Args:
        figures: of every subset of the modalities, the empty one among them.

    Raises:
        InputError: a subset has no figure, or there are more than five modalities.
    """
    names = sorted(frozenset[str]().union(*figures))
    for subset in subsets(names):
        if subset not in figures:
            which = " and ".join(sorted(subset)) or "no modality"
            raise InputError(
                f"there is no figure with {which} alone; Shapley values need that of every subset"
            )
    return {name: _value(name, names, figures) for name in names}


def _value(name: str, names: list[str], figures: Mapping[Subset, float]) -> float:
    others = [other for other in names if other != name]
    return math.fsum(
        (figures[subset | {name}] - figures[subset]) / _orders(len(subset), len(names))
        for subset in subsets(others)
    )


def _orders(before: int, total: int) -> int:
    """Return one over the share of orders in which those `before`, and they alone, come first."""
    return total * math.comb(total - 1, before)


def shares(values: Mapping[str, float]) -> dict[str, float]:
    """Return modality → its part of all gains, in [0, 1] and 1 in sum; harm counts as no gain.

    NaN where none adds anything.
    """
    gains = {name: max(value, 0.0) for name, value in values.items()}
    total = math.fsum(gains.values())
    return {name: gain / total if total > 0 else math.nan for name, gain in gains.items()}
