"""What can be asked of the synthetic cohort."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from components.core.errors import ConfigError, nearest
from components.ingest.synthetic.loadings import FEATURES

LEAKS = (
    "patient_overlap", "identical_waveform", "near_copy", "label_column", "label_gap",
    "late_feature", "censored_as_negative", "glued", "reused_recording",
)  # fmt: skip
# Those of the ICU part, which has no others.
ICU_LEAKS = (
    "length_of_stay", "time_to_final_event", "events_after_prediction", "chart_time",
    "comfort_care",
)  # fmt: skip
# Those of pictures and sounds: the first two of nothing else.
_MEDIA_ALONE = frozenset({"glued", "reused_recording"})
_MEDIA_LEAKS = _MEDIA_ALONE | {"near_copy"}
# Leaks that lie between the parts of a given split.
_SPLIT_LEAKS = frozenset({"patient_overlap", "identical_waveform", "near_copy"})
# Faults that the surveillance part does not plant.
_THERAPY_ONLY = ("leaks", "dominant", "subgroup_gap", "ecg_scores")
_PREVALENCE = 0.7
# Fewer entries than factors would hide some of these.
_LEAST_WIDTH = 8
_WIDTHS, _MISSING, _DEPENDENCE = (64, 96, 48, 128, 80), 0.3, 0.7
# What is asked of embeddings, and what they ask for unless told.
_EMBEDDINGS_ONLY: dict[str, object] = {
    "emb_widths": _WIDTHS, "emb_missing": _MISSING, "emb_dependence": _DEPENDENCE,
}  # fmt: skip
SUBGROUPS = ("sex=F", "sex=M", "site=A", "site=B", "site=C")


class SyntheticOptions(BaseModel):
    """Size, seed and planted faults of one cohort; the same options give the same bytes.

    Attributes:
        part: `therapy` is the ECG before therapy with its CTRCD label; `surveillance` the same
            patients' ECG, notes and outcomes about one year later, of those who come back;
            `embeddings` is other patients' five embeddings with death and recurrence; `icu` is
            other patients' ICU stays in MIMIC-IV's layout with hospital death.
        patients: number of patients.
        seed: root of every random stream.
        nuisance: add noise, rhythm disturbances, electrode faults and missing leads and cells.
        leaks: names out of `LEAKS`, in the ICU part out of `ICU_LEAKS`; the clean twin is the same
            seed without them.
        clean_split: write a correct, patient-wise `split` column (twin of the split leaks).
        dominant: `clinical` lets the tabular inputs carry most of the risk.
        subgroup_gap: one of `SUBGROUPS`, in which the ECG shows the vulnerability more weakly.
        ecg_scores: names out of `loadings.FEATURES` that alone carry the ECG's signal, as strong
            together as all five are; empty takes all.
        broken_files: plant truncated, empty and wrongly labelled files (under 1 % from 320
            recordings on).
        duplicates: plant recordings that are stored twice under two recording ids; pictures and
            sounds have none but on request (`near_copy`).
        media: write one row per patient with a picture of the ECG and heart sounds, and the label
            `abnormal`, in place of the therapy part's own files.
        media_prevalence: share of abnormal hearts there.
        emb_widths: of the clinical, semantic, temporal, pathological and spatial embedding.
        emb_missing: share of patients who lack each embedding.
        emb_dependence: correlation of what two embeddings show of the shared factors; 0 makes them
            independent of each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Literal["therapy", "surveillance", "embeddings", "icu"] = "therapy"
    patients: int = Field(default=3000, ge=1, le=10_000_000)
    seed: int = Field(default=20240501, ge=0)
    nuisance: bool = True
    leaks: tuple[str, ...] = ()
    clean_split: bool = False
    dominant: Literal["clinical"] | None = None
    subgroup_gap: str | None = None
    ecg_scores: tuple[str, ...] = ()
    broken_files: bool = True
    duplicates: bool = True
    media: bool = False
    media_prevalence: float = Field(default=_PREVALENCE, ge=0.02, le=0.98)
    emb_widths: tuple[int, int, int, int, int] = _WIDTHS
    emb_missing: float = Field(default=_MISSING, ge=0.0, le=0.9)
    emb_dependence: float = Field(default=_DEPENDENCE, ge=0.0, le=1.0)

    @field_validator("leaks")
    @classmethod
    def _known_leaks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in (known := (*LEAKS, *ICU_LEAKS)):
                raise ConfigError(f"no leak is called {name!r} in leaks; {nearest(name, known)}")
        return value

    @field_validator("subgroup_gap")
    @classmethod
    def _known_subgroup(cls, value: str | None) -> str | None:
        if value is not None and value not in SUBGROUPS:
            raise ConfigError(
                f"no subgroup is called {value!r} in subgroup_gap; {nearest(value, SUBGROUPS)}"
            )
        return value

    @field_validator("ecg_scores")
    @classmethod
    def _known_scores(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in FEATURES:
                raise ConfigError(
                    f"no ECG score is called {name!r} in ecg_scores; {nearest(name, FEATURES)}"
                )
        if len(set(value)) < len(value):
            raise ConfigError(f"ecg_scores names {', '.join(value)}; name each score once")
        return value

    @model_validator(mode="after")
    def _planted_in_this_part(self) -> Self:
        asked = [name for name in _THERAPY_ONLY if getattr(self, name)]
        if self.part == "icu":
            asked = [name for name in asked if name != "leaks"]
        if self.part in ("embeddings", "icu") and self.clean_split:
            asked.append("clean_split")
        if self.part != "therapy" and asked:
            raise ConfigError(
                f"{asked[0]} is {getattr(self, asked[0])!r}, but the {self.part} part has none; "
                f"leave {asked[0]} out or ask for the part 'therapy'"
            )
        return self

    @model_validator(mode="after")
    def _leaks_in_their_part(self) -> Self:
        stays = self.part == "icu"
        other = [name for name in self.leaks if (name in ICU_LEAKS) != stays]
        if other:
            own = f"here there are {', '.join(ICU_LEAKS)}" if stays else "ask for the part 'icu'"
            raise ConfigError(f"the part {self.part!r} has no leak {other[0]!r}; {own}")
        return self

    @model_validator(mode="after")
    def _embeddings_in_their_part(self) -> Self:
        if self.part == "embeddings":
            if min(self.emb_widths) < _LEAST_WIDTH:
                raise ConfigError(
                    f"emb_widths names {min(self.emb_widths)}, but an embedding has at least "
                    f"{_LEAST_WIDTH} entries; widen it"
                )
            return self
        for name, usual in _EMBEDDINGS_ONLY.items():
            if getattr(self, name) != usual:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}, but the part {self.part!r} has no "
                    f"embeddings; ask for the part 'embeddings' or leave {name} out"
                )
        return self

    @model_validator(mode="after")
    def _planted_in_media(self) -> Self:
        if self.media:
            self._check_media()
            return self
        if self.media_prevalence != _PREVALENCE:
            raise ConfigError(
                f"media_prevalence is {self.media_prevalence:g}, but media is off; set media: true "
                "or leave media_prevalence out"
            )
        alone = sorted(_MEDIA_ALONE & set(self.leaks))
        if alone:
            raise ConfigError(
                f"the leak {alone[0]!r} is one of pictures and sounds, but media is off; set "
                "media: true or leave the leak out"
            )
        return self

    def _check_media(self) -> None:
        if self.part != "therapy":
            raise ConfigError(
                f"media is on, but the part {self.part!r} has no pictures and sounds; leave part "
                "out or media"
            )
        if self.subgroup_gap is not None:
            raise ConfigError(
                f"subgroup_gap is {self.subgroup_gap!r}, but pictures and sounds have none; leave "
                "subgroup_gap out or media"
            )
        other = sorted(set(self.leaks) - _MEDIA_LEAKS)
        if other:
            raise ConfigError(
                f"the leak {other[0]!r} is none of pictures and sounds; with media: true there are "
                f"{', '.join(sorted(_MEDIA_LEAKS))}"
            )

    def told(self) -> dict[str, Any]:
        """Return what `truth.json` records.

        The task tells the part, and an option that came later is left out while it asks for
        nothing: files stay those that were written before it was known.
        """
        late = {"part"} if self.ecg_scores else {"part", "ecg_scores"}
        late |= set[str]() if self.part == "embeddings" else set(_EMBEDDINGS_ONLY)
        late |= set[str]() if self.media else {"media", "media_prevalence"}
        return self.model_dump(mode="json", exclude=late)

    @property
    def has_split(self) -> bool:
        """Return whether the manifest carries a `split` column."""
        return self.clean_split or bool(_SPLIT_LEAKS & set(self.leaks))
