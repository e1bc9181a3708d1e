"""What a model bundle holds on disk: `bundle.json`, per member weights, statistics and shapes."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from components.core.attribution import reference
from components.core.attribution.reference import Reference
from components.core.bundle_seal import check_seal, seal
from components.core.bundle_validation import ValidationRisks
from components.core.config.base import Frozen
from components.core.data.embedding_input import EmbeddingInput
from components.core.embedding_files.layout import Files
from components.core.errors import InputError
from components.core.event_tables.options import Options as EventTables
from components.core.imputation import calibrate
from components.core.imputation.calibrate import Calibration
from components.core.media.config import ImageConfig, SoundConfig
from components.core.modalities import (
    EMBEDDED,
    EVENTS,
    MEDIA,
    MODALITIES,
    TITLES,
    EmbeddingModality,
    MediaModality,
    Modality,
)
from components.core.models.spec import DataSpec
from components.core.out_of_distribution import EcgDistribution
from components.core.signals.prepare_config import PrepareConfig

MANIFEST = "bundle.json"
# Of each member's folder: what preprocessing learned from its training part.
STATS = "norm_stats.json"
# And, of one that imputes, how its imputations are mended.
IMPUTATION = "imputation.json"
# And where the attribution of clinical fields begins.
REFERENCE = "reference.json"
# As a request sends them.
_SENT = {
    "tabular": "clinical fields",
    "ecg_image": "an ECG image",
    "pcg": "a heart sound",
    **{name: f"a {TITLES[name]} ({name})" for name in EMBEDDED},
    EVENTS: f"an event sequence ({EVENTS})",
}


class EventFacts(Frozen):
    """What a bundle says of event sequences.

    Attributes:
        comfort_care: `drop` leaves out events that speak of comfort care, as training did.
        time: how hours become numbers (`components.core.data.event_stats.TimeStats`).
        width: of a step of the first network: kinds, text, time.
        longest: events of the longest sequence of training.
        absence_taught: some record of training had no event or was drawn to lose them, so that
            every network learned what stands in place of a sequence.
        fields_taught: the same of the static fields.
    """

    comfort_care: Literal["drop", "keep"]
    time: Literal["scalar", "encoding"]
    width: int = Field(ge=1)
    longest: int = Field(ge=1)
    absence_taught: bool
    fields_taught: bool = True


class BundleFacts(Frozen):
    """What a bundle says of itself.

    Attributes:
        task: the task it was trained for.
        label: definition of the positive class.
        head: name of the model's primary head.
        heads: name → settings of every head that was trained; empty is the primary one, binary.
        calibrations: head → how its logits become probabilities (`components.core.heads`).
        thresholds: binary head → operating point on its mean log-odds.
        notes: the model reads notes.
        notes_masked: training did not see mentions of the ejection fraction.
        model: name and settings of the network.
        ecg: how an ECG is prepared; None without ECG.
        image: how a picture of an ECG is prepared; None where the model takes none.
        sound: how heart sounds are prepared; None where it takes none.
        embeddings: modality → how its embeddings are prepared, of those that it takes.
        embedding_files: how the task declares files of embeddings; None where it does not.
        events: how event sequences are prepared; None where the model takes none.
        event_tables: how the task declares tables of stays and events; None where it does not.
        reject: quality flags that training refused, so that the model abstains from them too.
        min_quality: the model abstains below this quality score; 0 answers for all.
        ood_threshold: the model abstains above this distance from the training recordings; None
            does not look at it (no ECG, or a rate too low for its summaries).
        ood_rate: share of recordings like those of validation that are expected above it.
        features: tabular feature → `numeric` or `categorical`.
        members: folders of the ensemble's networks within the bundle.
        calibration: the recalibration, as its `to_json` writes it.
        threshold: on the mean logit.
        version: fingerprint of the evaluation that it was made in.
        cohort: counts of what it was trained on.
        cohort_fingerprint: of the prepared cohort that it was trained on.
        validation: how the validation records' risks are distributed; None of bundles from before
            it was kept.
        sealed: its checksums lie beside it; False of bundles from before there were any.
    """

    task: str
    label: str
    head: str
    model: dict[str, Any]
    ecg: PrepareConfig | None
    image: ImageConfig | None = None
    sound: SoundConfig | None = None
    embeddings: dict[EmbeddingModality, EmbeddingInput] = Field(default_factory=dict)
    embedding_files: Files | None = None
    events: EventFacts | None = None
    event_tables: EventTables | None = None
    reject: tuple[str, ...] = ()
    min_quality: float = 0.0
    ood_threshold: float | None = None
    ood_rate: float = 0.0
    heads: dict[str, Any] = Field(default_factory=dict[str, Any])
    calibrations: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    thresholds: dict[str, float] = Field(default_factory=dict[str, float])
    notes: bool = False
    notes_masked: bool = True
    features: dict[str, str]
    members: tuple[str, ...] = Field(min_length=1)
    calibration: dict[str, Any]
    threshold: float
    version: str
    cohort: dict[str, float]
    cohort_fingerprint: str = ""
    validation: ValidationRisks | None = None
    sealed: bool = False

    @model_validator(mode="after")
    def _every_head_is_calibrated(self) -> BundleFacts:
        lacking = [name for name in self.heads if name not in self.calibrations]
        if self.heads and self.head not in self.heads:
            raise ValueError(f"heads lacks '{self.head}', the primary head")
        if lacking and not self._is_single_binary():
            raise ValueError(f"the head(s) {', '.join(lacking)} have no entry in calibrations")
        return self

    def _is_single_binary(self) -> bool:
        return [each.get("kind") for each in self.all_heads().values()] == ["binary"]

    def all_heads(self) -> dict[str, Any]:
        """Return name → settings of every head."""
        return self.heads or {self.head: {"kind": "binary"}}

    @property
    def media(self) -> tuple[MediaModality, ...]:
        """Return the pictures and sounds that the model takes."""
        there = {"ecg_image": self.image is not None, "pcg": self.sound is not None}
        return tuple(name for name in MEDIA if there[name])

    @property
    def optional(self) -> dict[Modality, str]:
        """Return modality → its name in a sentence, of those of which a row may lack any.

        There are some beside arrays and events alone: elsewhere the table's fields are no modality
        that can be absent as a whole.
        """
        others = {*self.media, *self.embeddings, *([EVENTS] if self.events is not None else [])}
        own = others | {*(["tabular"] if self.features else [])}
        return {m: _SENT[m] for m in MODALITIES if m in own} if others else {}

    def trained_on(self) -> str:
        """Return the cohort in words: its fingerprint and counts."""
        counts = ", ".join(f"{v:,.0f} {k.replace('_', ' ')}" for k, v in self.cohort.items())
        return f"{self.cohort_fingerprint or 'unnamed cohort'}: {counts}"


@dataclass(frozen=True, kw_only=True)
class MemberFiles:
    """One network to be put into a bundle.

    Attributes:
        weights: of the network.
        stats: of its fold's training part.
        spec: what it takes in and gives out.
        imputation: how what it imputes is mended; None where nothing is.
        reference: of its training part; without one its answers cannot be explained.
    """

    weights: Path
    stats: Path
    spec: DataSpec
    imputation: Calibration | None = None
    reference: Reference | None = None


def read_facts(folder: Path) -> BundleFacts:
    """Return what a bundle says of itself, every file of it compared with its checksum.

    Raises:
        InputError: it is no bundle, or a file is missing or has changed since it was written.
    """
    try:
        facts = BundleFacts.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"'{folder}' is no model bundle: {error}") from error
    if facts.sealed:
        check_seal(folder)
    return facts


def write_bundle(
    folder: Path,
    facts: BundleFacts,
    members: list[MemberFiles],
    distribution: EcgDistribution | None = None,
) -> None:
    """Write a bundle into `folder`; what is put beside it later needs another `seal`.

    Args:
        folder: made if need be.
        facts: what it says of itself.
        members: its networks, in the order of `facts.members`.
        distribution: of the training recordings, where `facts.ood_threshold` is set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, member in zip(facts.members, members, strict=True):
        target = folder / name
        target.mkdir(exist_ok=True)
        shutil.copyfile(member.weights, target / "weights.safetensors")
        shutil.copyfile(member.stats, target / STATS)
        if member.imputation is not None:
            calibrate.save(member.imputation, target / IMPUTATION)
        if member.reference is not None:
            reference.save(member.reference, target / REFERENCE)
        (target / "spec.json").write_text(member.spec.model_dump_json(), encoding="utf-8")
    if distribution is not None:
        distribution.save(folder)
    own = facts.model_copy(update={"sealed": True})
    text = json.dumps(own.model_dump(mode="json"), indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    seal(folder)
