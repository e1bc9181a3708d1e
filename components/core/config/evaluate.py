"""How a trained model is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.core.config.base import Frozen


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
