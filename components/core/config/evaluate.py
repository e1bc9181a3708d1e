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


class OptimismConfig(Frozen):
    """How far training patients are looked at once more.

    Attributes:
        most_patients: of a larger training part so many patients, drawn at random, are predicted.
    """

    # At 2,000 ECGs a second a fold and seed take 5 s.
    most_patients: int = Field(default=10_000, ge=100)


class LearningCurveConfig(Frozen):
    """Logistic regression refitted on growing shares of the training patients.

    Attributes:
        shares: of the training patients, ascending, the last one everyone.
        draws: random subsets of each share, spread over the folds; each fold has at least one.
        most_patients: a larger training part has no curve, which is for small cohorts.
    """

    shares: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)
    draws: int = Field(default=5, ge=2)
    most_patients: int = Field(default=10_000, ge=100)

    @field_validator("shares")
    @classmethod
    def _ascending_to_everyone(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) < 2 or list(value) != sorted(set(value)) or value[0] <= 0 or value[-1] != 1:
            raise ValueError("give at least two shares above 0, ascending, the last one 1")
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
        optimism: training patients looked at once more.
        learning_curve: growing shares of the training patients.
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
    optimism: OptimismConfig = OptimismConfig()
    learning_curve: LearningCurveConfig = LearningCurveConfig()
