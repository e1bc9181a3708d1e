"""How a trained model is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from components.core.config.base import Frozen


class SurvivalConfig(Frozen):
    """The view of times to event.

    Attributes:
        horizons_days: days at which AUC and Brier score are given, beside the label's own horizon.
    """

    # 3, 6 and 12 months, the horizons of the survival head.
    horizons_days: tuple[float, ...] = (90, 180, 365)

    @field_validator("horizons_days")
    @classmethod
    def _positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or min(value) <= 0:
            raise ValueError("give one horizon at least, each above 0 days")
        return value


class EvaluateConfig(Frozen):
    """How the figures are made.

    Attributes:
        threshold: chosen on validation only.
        draws: bootstrap draws.
        seed: of the bootstrap.
        recalibrate: how logits become probabilities, fitted on validation. `platt` restores slope
            and prevalence, `temperature` the slope alone, `isotonic` any rising curve, given
            enough events.
        baselines: simple models trained on the same patients.
        skip: analyses to leave out.
        survival: horizons of the view of times to event.
    """

    threshold: Literal["youden", "f1"] = "youden"
    draws: int = Field(default=2000, ge=100)
    seed: int = 0
    recalibrate: Literal["platt", "temperature", "isotonic", "none"] = "platt"
    baselines: tuple[Literal["logistic_regression", "gradient_boosting"], ...] = (
        "logistic_regression",
        "gradient_boosting",
    )
    skip: tuple[str, ...] = ()
    survival: SurvivalConfig = SurvivalConfig()
