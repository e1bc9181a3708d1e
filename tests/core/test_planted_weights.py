"""The weights of entries add up to what the closed form says of a risk."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.planted_factors import Seen, gaussian
from components.core.planted_weights import entry_weights
from tests.core.test_planted_factors import drawn, planted


def test_the_parts_add_up_to_the_posterior_mean() -> None:
    truth = planted()
    risk = truth.risks["death"]
    _, values = drawn(truth, 6)
    quality = {name: np.linspace(0.3, 1.0, 6) for name in values}
    quality["a"][:2], quality["c"][1:4] = 0.0, 0.0
    seen = {name: np.where(quality[name][:, None] > 0, own, np.nan) for name, own in values.items()}
    whole = gaussian(truth, Seen.of(seen, quality=quality), risk[None]).mean[:, 0]
    weights = entry_weights(truth, risk, quality)
    parts = {
        name: ((own - truth.modalities[name].mean) * weights[name]).sum(axis=1)
        for name, own in values.items()
    }
    assert sum(parts.values()) == pytest.approx(whole, abs=1e-10)
    assert (weights["a"][:2] == 0).all()
    assert (weights["a"][2:] != 0).all()
    # What nobody else tells weighs more.
    assert np.abs(weights["b"][1]).sum() > np.abs(weights["b"][5]).sum()
