"""What a bundle says of one patient's recording."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.core.modalities import EmbeddingModality

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Imputed:
    """One modality that a patient lacks, as the networks imagine it.

    Attributes:
        confidence: in (0, 1), the mean over the networks; 1 is sure.
        mean: W entries on the native scale.
        sd: W standard deviations of the truth about them, on the native scale.
        calibrated: the SDs were fitted to the errors on validation patients.
    """

    confidence: float
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    calibrated: bool = False


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one patient's recording.

    A model that abstains withholds probability and interval; `logit` stays for checks.

    Attributes:
        logit: mean over the members, before calibration; NaN where they could not be asked.
        probability: calibrated, of the positive class.
        error: why there is no answer; empty otherwise.
        code: of that error, as in `rejects.parquet`.
        lo: 5th percentile of the members' calibrated probabilities; NaN with fewer than five.
        hi: 95th percentile.
        interval_note: why there is no interval; empty where there is one.
        quality: score of the ECG in [0, 1]; NaN where there is none.
        flags: quality flags that it raises, as in `components.core.signals.quality.FLAGS`.
        abstain: the recording is too poor or unlike those of training.
        abstain_reason: in one sentence; empty otherwise.
        heads: head → name → what it says, calibrated; empty where there is one binary head, whose
            answer is the probability, and where the model abstains.
        inputs: modalities that the row had, of a model that any of several may be absent for; empty
            for the others.
        contributions: modality → its Shapley value in `logit` against a patient without any, of
            those that the row had; empty for models without branches.
        fields_note: which clinical fields do not enter as they were sent, and as what instead;
            which embeddings were sent and count as absent.
        imputed: modality → what the networks take it to be, of embeddings that the row lacks; empty
            for models that impute none.
    """

    logit: float
    probability: float
    error: str = ""
    code: str = ""
    lo: float = NAN
    hi: float = NAN
    interval_note: str = ""
    quality: float = NAN
    flags: tuple[str, ...] = ()
    abstain: bool = False
    abstain_reason: str = ""
    heads: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    inputs: tuple[str, ...] = ()
    contributions: dict[str, float] = field(default_factory=dict[str, float])
    fields_note: str = ""
    imputed: dict[EmbeddingModality, Imputed] = field(default_factory=dict)
