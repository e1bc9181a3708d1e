"""How a trained model is judged."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from components.core.config.base import Frozen
from components.core.config.fields import QualityFlag


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
    flags: tuple[QualityFlag, ...] = ("arm_reversal", "wrong_polarity")


# Cut points of the evaluation specification: 18-49, 50-64, 65-74, 75 and older.
_AGE_BANDS = (18.0, 50.0, 65.0, 75.0)


class SubgroupsConfig(Frozen):
    """Which groups of patients are looked at by themselves.

    Attributes:
        columns: of the manifest, without `tab.`; empty takes sex, age, race, site, period (the
            years that shifted dates still tell) and therapy, as many as the data bring.
        bands: cut points of a numeric column, ascending; a patient at a cut point lies above it.
    """

    columns: tuple[str, ...] = ()
    bands: dict[str, tuple[float, ...]] = Field(default_factory=lambda: {"age": _AGE_BANDS})

    @field_validator("bands")
    @classmethod
    def _ascending(cls, value: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for column, cuts in value.items():
            if not cuts or any(low >= high for low, high in pairwise(cuts)):
                raise ValueError(f"the cut points of '{column}' must ascend; give at least one")
        return value


Share = Annotated[float, Field(gt=0, lt=1)]
Hours = Annotated[float, Field(gt=0)]


class RobustnessConfig(Frozen):
    """How the test recordings are disturbed; an empty list leaves that kind out.

    Attributes:
        records: at most so many test records are used, whole patients drawn by `seed`.
        seed: of that draw and of the noise.
        leads: recordings of so many leads: the twelve, the eight independent ones, I and II, I.
        snr_db: power of the signal over that of the noise, dB.
        mains_hz: frequency of the hum.
        fs: rates in Hz at which the recording is taken to have been made.
        modalities: try every subset of the model's inputs.
        drop_events: shares of the events that are lost, each by itself, from sequences.
        shift_hours: SD in hours by which times of events are wrong; what has one time moves as one.
        stale_hours: events of so many last hours before the prediction are not known yet.
        recent_hours: events of so many last hours before the prediction alone are known.
        kinds: leave out one kind of event after the other.
    """

    records: int = Field(default=2000, ge=1)
    seed: int = 0
    leads: tuple[Literal[12, 8, 2, 1], ...] = (12, 8, 2, 1)
    # From hardly seen to noise as strong as the signal; the noise stress test of Moody et al. 1984
    # spans 24 to -6 dB.
    snr_db: tuple[float, ...] = (12.0, 6.0, 0.0)
    mains_hz: Literal[50, 60] = 50
    # Hz: long-term monitors, the cheapest handheld devices, archives such as PTB-XL's small copy.
    fs: tuple[float, ...] = (250.0, 125.0, 100.0)
    modalities: bool = True
    drop_events: tuple[Share, ...] = (0.1, 0.3, 0.5)
    # Charting lags by minutes to hours: procedures of MIMIC-IV's demo are stored 29 h late in a
    # quarter of the rows.
    shift_hours: tuple[Hours, ...] = (1.0, 4.0)
    stale_hours: tuple[Hours, ...] = (2.0, 6.0)
    recent_hours: tuple[Hours, ...] = (24.0, 6.0)
    kinds: bool = True


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
        baselines: simple models trained on the same patients; `random_forest`, 500 trees, costs
            the most of them and is left out unless named.
        skip: analyses to leave out.
        subgroups: groups of patients looked at by themselves.
        robustness: disturbances of the test recordings.
        survival: horizons of the view of times to event.
        optimism: training patients looked at once more.
        learning_curve: growing shares of the training patients.
        abstain: when the bundle withholds its answer.
    """

    threshold: Literal["youden", "f1"] = "youden"
    draws: int = Field(default=2000, ge=100)
    seed: int = 0
    recalibrate: Literal["platt", "temperature", "isotonic", "none"] = "platt"
    baselines: tuple[Literal["logistic_regression", "gradient_boosting", "random_forest"], ...] = (
        "logistic_regression",
        "gradient_boosting",
    )
    skip: tuple[str, ...] = ()
    subgroups: SubgroupsConfig = SubgroupsConfig()
    robustness: RobustnessConfig = RobustnessConfig()
    survival: SurvivalConfig = SurvivalConfig()
    optimism: OptimismConfig = OptimismConfig()
    learning_curve: LearningCurveConfig = LearningCurveConfig()
    abstain: AbstentionConfig = AbstentionConfig()
