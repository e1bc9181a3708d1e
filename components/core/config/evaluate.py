"""How a trained model is judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from components.core.config.base import Frozen
from components.core.errors import nearest
from components.core.signals.quality import FLAGS


class AbstentionConfig(Frozen):
    """When the bundle withholds its answer.

    Attributes:
        rate: share of recordings like those of validation that may be called unlike training.
        min_quality: lowest quality score answered where preprocess itself took all; at 0.25 noise
            has three times the power at which a lead is called noisy (docs/quality.md).
        flags: quality flags on which no answer is given, beside those that preprocess refused: by
            default exchanged electrodes, which 2 of 231 ordinary recordings raise
            (docs/quality.md) and which a training part that has some does not tell as strange.
    """

    rate: float = Field(default=0.02, gt=0, lt=0.5)
    min_quality: float = Field(default=0.25, ge=0, le=1)
    flags: tuple[str, ...] = ("arm_reversal", "wrong_polarity")

    @field_validator("flags")
    @classmethod
    def _known_flags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in FLAGS:
                raise ValueError(f"'{name}' is no quality flag; {nearest(name, FLAGS)}")
        return value


class EvaluateConfig(Frozen):
    """How the figures are made.

    Attributes:
        threshold: chosen on validation only.
        draws: bootstrap draws.
        seed: of the bootstrap.
        recalibrate: fitted on validation.
        baselines: simple models trained on the same patients.
        skip: analyses to leave out.
        abstain: when the bundle withholds its answer.
    """

    threshold: Literal["youden", "f1"] = "youden"
    draws: int = Field(default=2000, ge=100)
    seed: int = 0
    recalibrate: Literal["platt", "none"] = "platt"
    baselines: tuple[Literal["logistic_regression", "gradient_boosting"], ...] = (
        "logistic_regression",
        "gradient_boosting",
    )
    skip: tuple[str, ...] = ()
    abstain: AbstentionConfig = AbstentionConfig()
