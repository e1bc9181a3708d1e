"""Settings of the figures."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.core.config.evaluate import EvaluateConfig, SurvivalConfig


def test_horizons_are_days_above_zero() -> None:
    assert EvaluateConfig().survival.horizons_days == (90, 180, 365)
    for wrong in ((), (365, 0)):
        with pytest.raises(ValidationError, match="give one horizon at least, each above 0 days"):
            SurvivalConfig(horizons_days=wrong)
