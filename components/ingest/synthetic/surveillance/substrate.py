"""What the ECG shows of the burden: the five morphology scores of the therapy part.

`u = RHO * s + shift(tabular) + sqrt(1 - RHO^2) * e`, then `z_k = a_k * u + noise_k` with the
loadings of `loadings.LOADING`; `e ~ N(0, 1)` is what moves the same waves for other reasons
(habitus, drugs, old scars) and keeps the ECG alone below an AUROC of 0.80.
"""

from __future__ import annotations

import numpy as np

from components.ingest.synthetic.cohort import Cohort, FloatArray
from components.ingest.synthetic.mechanism import (
    ESTIMATE_VARIANCE,
    FEATURES,
    ecg_shift,
    scores_of,
)

RHO = 0.55
# Variance of `substrate_estimate` about its mean given burden and tabular columns.
VARIANCE = 1.0 - RHO**2 + ESTIMATE_VARIANCE


def draw_scores(cohort: Cohort, burden: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw the informative scores `[patients, features]` at these burdens."""
    own = np.sqrt(1.0 - RHO**2) * rng.standard_normal(cohort.size)
    noise = rng.standard_normal((cohort.size, len(FEATURES)))
    return scores_of(RHO * burden + ecg_shift(cohort) + own, noise)


def log_density(estimate: FloatArray, mean: FloatArray) -> FloatArray:
    """Return log p(estimate | burden, tabular) but for a constant, by broadcasting.

    Args:
        estimate: `substrate_estimate` of the scores, which carries all they say of `u`.
        mean: `ecg_shift` of the tabular columns plus `RHO` times the burden.
    """
    return -0.5 * (estimate - mean) ** 2 / VARIANCE
