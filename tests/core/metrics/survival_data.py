"""Follow-up for the tests of the metrics."""

from __future__ import annotations

import numpy as np


def cohort(
    seed: int, n: int, *, ties: bool = False, death: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times in days, codes and a noisy score; `death` is the share of events that are one.

    With ties, times are rounded up to 20 days.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    onset, lost = rng.exponential(400 * np.exp(-0.8 * x)), rng.exponential(500, n)
    code = (onset <= lost).astype(int)
    score = np.round(x + rng.normal(0, 1, n), 1)
    time = np.minimum(onset, lost)
    if death:
        code = np.where((code == 1) & (rng.random(n) < death), 2, code)
    return (np.ceil(time / 20) * 20 if ties else time), code, score
