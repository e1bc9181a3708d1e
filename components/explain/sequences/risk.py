"""High against low risk: thirds of the records by the log-odds that the model gave them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# Thirds of fewer records hold one each, of which nothing can be told.
LEAST = 6
WORDS = "the third of the stays with the highest predicted risk against the third with the lowest"


def thirds(log_odds: Floats) -> tuple[Flags, Flags] | None:
    """Return `[n]` who is of high and who of low risk; None of fewer than `LEAST` records.

    Both thirds are of one size, rounded down; among equals the earlier record counts as lower.

    Args:
        log_odds: `[n]` higher means more at risk.
    """
    count = len(log_odds) // 3
    if len(log_odds) < LEAST:
        return None
    order = np.argsort(log_odds, kind="stable")
    high, low = (np.zeros(len(log_odds), np.bool_) for _ in range(2))
    high[order[-count:]], low[order[:count]] = True, True
    return high, low
