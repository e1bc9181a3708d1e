"""One class per section of a task file."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from components.core.config.base import Frozen
from components.core.config.ctrcd import CtrcdConfig, Grade
from components.core.config.events import EventsConfig
from components.core.config.fields import QualityFlag
from components.core.config.text import TextConfig
from components.core.database_url import without_password
from components.core.media.config import ImageConfig, SoundConfig
from components.core.modalities import Modality
from components.core.patient_key import check_name
from components.core.signals.prepare_config import PrepareConfig


class LabelConfig(Frozen):
    """What is predicted.

    Attributes:
        name: the head's name; also the name of the registered model's output.
        definition: the label in words, for the report and the card.
        negative: the label's absence in words.
        prediction_time: the moment of prediction in words.
        horizon_days: an event later than this is a non-event; None takes the label as given.
        censoring: what happens to patients followed for less than the horizon without an event.
            `ipcw` weights the others by inverse probability of censoring, `exclude` drops them,
            `as_given` takes the label column at its word (the audit then refuses unless waived),
            `survival` needs times of everyone; its binary label at the horizon is that of `ipcw`.
        derive: `ctrcd` makes label and event time from the serial measurements that the source
            brings; `head` is the binary view of the head called `name`; None takes the manifest's.
        ctrcd_min_grade: the first measurement that reaches this grade is the event.
        ctrcd: biomarker cut-offs of that definition.
        shuffle: seed under which outcomes are dealt out anew among the patients, a control that
            must come out at chance and can be neither registered nor promoted; None leaves them.
    """

    name: str = Field(min_length=1, pattern=r"^[a-z][a-z0-9_]*$")
    definition: str
    negative: str = "no event"
    prediction_time: str
    horizon_days: float | None = Field(default=None, gt=0)
    censoring: Literal["ipcw", "exclude", "as_given", "survival"] = "ipcw"
    derive: Literal["ctrcd", "head"] | None = None
    ctrcd_min_grade: Grade = "moderate"
    ctrcd: CtrcdConfig = CtrcdConfig()
    shuffle: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> LabelConfig:
        if self.derive == "ctrcd" and self.censoring == "as_given":
            raise ValueError("censoring 'as_given' takes the label column, derive makes its own")
        if self.censoring == "survival" and self.horizon_days is None:
            raise ValueError("censoring 'survival' needs horizon_days for the binary view")
        return self


class IngestConfig(Frozen):
    """Raw files to records.

    Attributes:
        source: name of a file in `ingest/sources/`.
        path: a manifest, table, folder, or the `postgresql://` URL of a database, without a
            password; empty for sources that make their own data.
        options: per source, what that source needs to be told.
        max_reject_rate: above this share of refused records the run stops.
        patient_key_env: name of the environment variable that holds the secret key under which ids
            become pseudonyms; empty keeps ids as they are, inside the data folder.
        workers: processes that decode; 0 takes one per core.
    """

    source: str = "synthetic"
    path: str = ""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    max_reject_rate: float = Field(default=0.05, ge=0, le=1)
    patient_key_env: str = ""
    workers: int = Field(default=0, ge=0)

    @field_validator("options", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("path")
    @classmethod
    def _tells_no_secret(cls, value: str) -> str:
        return without_password(value)

    @field_validator("patient_key_env")
    @classmethod
    def _name_of_a_variable(cls, value: str) -> str:
        return check_name(value)


class EcgConfig(PrepareConfig):
    """How an ECG becomes a tensor row: `PrepareConfig`, and which records are taken at all.

    Attributes:
        missing: `mask` keeps a record with missing leads, `drop` rejects it.
        window_days: the ECG must lie at most this long before the index date, never after it;
            None takes any ECG (surveillance).
        reject: quality flags that refuse a record.
        min_quality: lowest quality score taken; 0 takes all.
    """

    missing: Literal["mask", "drop"] = "mask"
    window_days: float | None = Field(default=90, ge=0)
    reject: tuple[QualityFlag, ...] = ()
    min_quality: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _refuses_by_what_is_judged(self) -> EcgConfig:
        if not self.judge and (self.reject or self.min_quality):
            raise ValueError("reject and min_quality need judge: true")
        return self


class PairingConfig(Frozen):
    """Which echo gives an ECG its LVEF.

    Attributes:
        days: the nearest echo at most this many days before or after the ECG; never across an
            intervention.
    """

    days: float = Field(default=14, ge=0)


class NotesConfig(Frozen):
    """Which of a patient's notes a record takes.

    Attributes:
        mask: replace mentions of the ejection fraction and its synonyms.
        lookback_days: notes at most so long before the moment of prediction; None takes all.
    """

    mask: bool = True
    lookback_days: float | None = Field(default=None, gt=0)


class SplitConfig(Frozen):
    """Who trains, who validates, who is tested; always whole patients.

    Attributes:
        method: `auto` takes given splits, else folds below `min_patients` or `min_events`, else a
            holdout; the others force one. `temporal` tests on the latest patients by index date,
            `period` on those of the last `anchor_year_group` (where dates are shifted per patient),
            `site` on the patients of `test_sites`, or on one site after the other.
        fractions: train, validation and test share of the patients of a holdout.
        folds: outer folds of the grouped cross-validation.
        repeats: how often the folds are drawn anew.
        inner_fraction: share of an outer fold's training patients held out for early stopping,
            threshold and recalibration.
        min_patients: below this, `auto` cross-validates.
        min_events: below this, `auto` cross-validates.
        seed: of the draw.
        test_from: `temporal` tests on index dates from this day on; None takes the last share of
            `fractions`.
        test_sites: `site` tests on these; empty leaves one site out at a time.
        group: what besides a patient no two parts may share; drawn parts keep it whole.
    """

    method: Literal["auto", "given", "holdout", "folds", "temporal", "period", "site"] = "auto"
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15)
    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=3, ge=1)
    inner_fraction: float = Field(default=0.2, gt=0, lt=1)
    min_patients: int = Field(default=2000, ge=0)
    min_events: int = Field(default=200, ge=0)
    seed: int = 42
    test_from: date | None = None
    test_sites: tuple[str, ...] = ()
    group: Literal["patient", "site", "admission"] = "patient"

    @model_validator(mode="after")
    def _fits_the_method(self) -> SplitConfig:
        if self.test_from is not None and self.method != "temporal":
            raise ValueError("test_from belongs to the method 'temporal'")
        if self.test_sites and self.method != "site":
            raise ValueError("test_sites belongs to the method 'site'")
        return self

    @model_validator(mode="after")
    def _sum_is_one(self) -> SplitConfig:
        if abs(sum(self.fractions) - 1) > 1e-9 or min(self.fractions) <= 0:
            raise ValueError("the three shares must be positive and sum to 1")
        return self


class EmbeddingsConfig(Frozen):
    """How embeddings become rows.

    Attributes:
        pool: what several vectors of one patient (patches) come to: their `mean` or `max`, or
            `attention`, which hands them to the model, whose weights over them are learned.
        max_patches: under `attention`, at most so many of a patient, evenly spaced in their order.
        min_quality: an embedding of lower quality counts as absent.
    """

    pool: Literal["mean", "max", "attention"] = "mean"
    max_patches: int = Field(default=64, ge=1)
    min_quality: float = Field(default=0.0, ge=0, le=1)


class PreprocessConfig(Frozen):
    """Records to tensors.

    Attributes:
        modalities: what the tensors hold; a task needs at least one.
        ecg: how an ECG becomes a row.
        ecg_image: how a picture of an ECG becomes a row.
        pcg: how heart sounds become a row.
        embeddings: how embeddings become rows.
        pairing: which echo belongs to which ECG.
        notes: which notes of a patient are taken, and what is masked in them.
        text: how notes become numbers.
        events: how sequences of clinical events become rows.
        tabular: columns to use; empty takes every tabular column that the source brings.
        split: who trains, who validates, who is tested.
        workers: processes that transform; 0 takes one per core.
    """

    modalities: tuple[Modality, ...] = ("ecg", "tabular")
    ecg: EcgConfig = EcgConfig()
    ecg_image: ImageConfig = ImageConfig()
    pcg: SoundConfig = SoundConfig()
    embeddings: EmbeddingsConfig = EmbeddingsConfig()
    pairing: PairingConfig = PairingConfig()
    notes: NotesConfig = NotesConfig()
    text: TextConfig = TextConfig()
    events: EventsConfig = EventsConfig()
    tabular: tuple[str, ...] = ()
    split: SplitConfig = SplitConfig()
    workers: int = Field(default=0, ge=0)


class AuditConfig(Frozen):
    """The leakage checks.

    Attributes:
        waive: check name → reason; a waived run cannot be promoted.
        label_auroc: a single feature above this AUROC counts as derived from the label.
        copy_correlation: two recordings of different patients that correlate so highly are copies.
        copy_cosine: the same for embeddings, after each column was standardised.
        copy_jaccard: the same for texts, over five-word runs that are no boilerplate.
        copy_picture: the same for pictures: correlation of the ink, tile by tile, lower quartile.
        copy_sound: the same for heart sounds: correlation of the windows that agree best.
        stay_end_correlation: a feature, or the times of a sequence, that follow so closely when the
            stay ends tell its length (`audit.stay_end`).
        unpaired: the modalities of a record are of different patients; the task then says nothing
            of what they bring together, and the report and the model card say so.
    """

    waive: dict[str, str] = Field(default_factory=dict[str, str])
    label_auroc: float = Field(default=0.98, gt=0.5, le=1)
    # Different people reach 0.915 at most among 2,213 public ECGs; 95 % or more of disturbed
    # copies reach 0.95.
    copy_correlation: float = Field(default=0.95, gt=0.5, le=1)
    copy_cosine: float = Field(default=0.98, gt=0.5, le=1)
    copy_jaccard: float = Field(default=0.8, gt=0.3, le=1)
    # Pages of different people reach 0.77 (two slow regular rhythms on one form, 120 synthetic
    # patients), darkened and newly coded copies 0.83 or more, turned ones 0.76 to 0.84 mostly.
    copy_picture: float = Field(default=0.8, gt=0.3, le=1)
    # Different patients reach 0.71 in CirCor (1,770 pairs), 0.84 among 120 synthetic ones; copies
    # shifted by up to 2.5 s, with noise 20 dB below, filtered or coded anew 0.91 or more.
    copy_sound: float = Field(default=0.9, gt=0.3, le=1)
    # MIMIC-IV's demo (117 stays): what is known at the prediction reaches 0.46 (number of events),
    # the length of the hospital stay 0.94, that of the ICU stay 1.
    stay_end_correlation: float = Field(default=0.8, gt=0.5, le=1)
    unpaired: bool = False

    @field_validator("waive")
    @classmethod
    def _reasons(cls, value: dict[str, str]) -> dict[str, str]:
        for name, reason in value.items():
            if len(reason.strip()) < 10:
                raise ValueError(f"the waiver of '{name}' needs a reason of at least 10 characters")
        return value


class RegisterConfig(Frozen):
    """Under which name the candidate enters the registry; an empty name registers nothing."""

    name: str = ""
    alias: str = "candidate"
