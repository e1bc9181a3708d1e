"""How much each entry of each embedding weighs in what is best said of a linear risk.

Given what is seen, a risk `r f` of the planted factors has the posterior mean
`sum over m of w_m (x_m - mean_m)` with `w_m = q_m / noise_m loadings_m C r`, C being the factors'
covariance given the values (`core.planted_factors`). It is linear, so that each modality's part of
it is known exactly. What is not there at random tells of the risk, too, but not by its values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.core.planted_factors import Floats, PlantedFactors, Seen, gaussian


def entry_weights(
    planted: PlantedFactors, risk: Floats, quality: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return modality → `[n, W]` weight of each entry, in risk per unit of the file; 0 if absent.

    Args:
        planted: the joint distribution.
        risk: `[L]` per factor.
        quality: modality → `[n]` in (0, 1], 0 where a record lacks it.
    """
    # The covariance depends on what is seen, not on the values.
    values = {
        name: np.where(own[:, None] > 0, planted.modalities[name].mean, np.nan)
        for name, own in quality.items()
    }
    known = gaussian(planted, Seen.of(values, quality=quality), np.eye(planted.size))
    along = known.covariance @ risk
    return {
        name: own[:, None] * (along @ planted.modalities[name].loadings.T)
        / planted.modalities[name].noise
        for name, own in quality.items()
    }  # fmt: skip
