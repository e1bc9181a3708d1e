"""The candidate: the refit under cross-validation, else the trained networks, as one bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from components.core.attribution.reference import reference_of
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.bundle_files import EventFacts
from components.core.bundle_seal import seal
from components.core.config.evaluate import AbstentionConfig
from components.core.config.task import TaskConfig
from components.core.data.arrays import array_dtype, shard_folder
from components.core.data.cohort import folds
from components.core.data.embedding_input import EmbeddingInput
from components.core.data.event_stats import EventStats
from components.core.embedding_files.layout import Files
from components.core.errors import ConfigError, InputError
from components.core.event_tables.options import Options as EventTables
from components.core.heads.registry import from_json
from components.core.imputation.calibrate import Calibration, averaged
from components.core.members import REFIT, STATS, WEIGHTS, Member
from components.core.modalities import (
    EMBEDDED,
    EVENTS,
    MEDIA,
    SPOKEN,
    EmbeddingModality,
    MediaModality,
    Modality,
)
from components.core.models.registry import model_file
from components.core.models.spec import DataSpec
from components.core.models.stand_in import unlearned
from components.core.schemas import EVENT_COUNT, MANIFEST, PART_PREFIX
from components.core.signals.prepare_config import PrepareConfig
from components.core.store import Stage
from components.core.trained import loaded, member_stats, members_of
from components.evaluate.abstention import familiarity
from components.evaluate.heads.calibrated import calibrations, one_sided, threshold_of
from components.evaluate.predictions import calibrate, pooled_validation
from components.evaluate.training_patients import write_training_patients
from components.evaluate.validated import risks_of

if TYPE_CHECKING:
    from components.core.upstream import Upstream

# Array modality → where a bundle's facts keep how it is prepared.
_SETTINGS: dict[MediaModality, str] = {"ecg_image": "image", "pcg": "sound"}


def bundle(
    folder: Path,
    stages: Upstream,
    task: TaskConfig,
    *,
    version: str,
    mendings: Mapping[str, Calibration] | None = None,
) -> None:
    """Write the candidate's bundle.

    Args:
        folder: of the bundle.
        stages: behind the training.
        task: of it.
        version: of the evaluation.
        mendings: fold → how its networks' imputations are mended; of a refit, which has no
            validation part, it is the folds' mean. None of networks that impute nothing.

    Raises:
        ConfigError: its networks have settings of their own, fold by fold.
        InputError: the cohort does not say how its pictures, sounds or embeddings were prepared.
    """
    names = folds(stages.cohort)
    train = stages.train
    chosen = members_of(train, REFIT) or [m for name in names for m in members_of(train, name)]
    _check_alike(chosen)
    val = pooled_validation(train, names)
    own = calibrate(val, rule=task.evaluate.threshold, recalibrate=task.evaluate.recalibrate)
    config = task.evaluate.abstain
    taught = calibrations(train, names, chosen, task.evaluate.recalibrate)
    known = familiarity(stages.cohort, names[0], rate=config.rate)
    facts = BundleFacts(
        task=task.task,
        label=task.label.definition,
        head=train.facts["head"],
        # A head that no fold's validation could teach would answer by uncalibrated numbers.
        heads={name: head for name, head in train.facts["heads"].items() if name in taught},
        calibrations=taught,
        thresholds=_thresholds(train, names, task.evaluate.threshold),
        notes="text" in stages.cohort.facts["modalities"],
        notes_masked=bool(stages.cohort.facts.get("notes_masked", True)),
        model=train.facts["model"],
        ecg=_ecg(stages),
        **_media(stages),
        embeddings=_embeddings(stages),
        embedding_files=_embedding_files(task),
        events=_events(stages, chosen),
        event_tables=_event_tables(task),
        **quality_gate(stages, config),
        ood_threshold=None if known is None else known.threshold,
        ood_rate=0.0 if known is None else known.rate,
        features=_features(stages),
        members=tuple(f"member{i}" for i in range(len(chosen))),
        calibration=json.loads(own.recalibrator.to_json()),
        threshold=own.threshold,
        version=version,
        cohort={k: stages.cohort.counts[k] for k in ("records", "patients_labelled", "events")},
        cohort_fingerprint=stages.cohort.fingerprint,
        validation=risks_of(val, own),
    )
    files = [_files(stages, member, mendings or {}) for member in chosen]
    write_bundle(folder, facts, files, None if known is None else known.distribution)
    write_training_patients(folder, stages)
    seal(folder)


def _check_alike(chosen: list[Member]) -> None:
    own = sorted({m.fold for m in chosen if m.model})
    if own:
        raise ConfigError(
            f"the networks of {', '.join(own)} have settings that a search chose for their fold "
            "alone, and a bundle holds networks of one kind; set fit.refit=true and train again"
        )


def _thresholds(train: Stage, names: list[str], rule: str) -> dict[str, float]:
    heads = from_json(train.facts["heads"])
    binary = [name for name, head in heads.items() if head.kind == "binary"]
    return {
        name: threshold_of(train, names, name, rule)
        for name in binary
        if not one_sided(train, names, name)
    }


def _files(stages: Upstream, member: Member, mendings: Mapping[str, Calibration]) -> MemberFiles:
    folder = stages.train.folder / member.folder
    return MemberFiles(
        weights=folder / WEIGHTS,
        stats=folder / STATS,
        spec=DataSpec.model_validate(stages.train.facts["specs"][member.spec_key]),
        imputation=_mending(member.fold, mendings),
        reference=reference_of(
            stages.train, stages.cohort, member.fold, member_stats(stages.train, member)
        ),
    )


def _mending(fold: str, mendings: Mapping[str, Calibration]) -> Calibration | None:
    if not mendings:
        return None
    return averaged([*mendings.values()]) if fold == REFIT else mendings[fold]


def _ecg(stages: Upstream) -> PrepareConfig | None:
    facts = stages.cohort.facts
    if "ecg" not in facts["modalities"]:
        return None
    kept = PrepareConfig(**{name: facts["ecg"][name] for name in PrepareConfig.model_fields})
    return kept.model_copy(update={"judge": True})  # one answer can wait for its quality


def _media(stages: Upstream) -> dict[str, Any]:
    """Return how pictures and sounds were prepared, of those that the network takes."""
    facts, taken = stages.cohort.facts, _taken(stages)
    found: dict[str, Any] = {}
    for name in MEDIA:
        if name not in taken:
            continue
        if name not in facts:
            raise _untold(stages, name)
        found[_SETTINGS[name]] = facts[name]
    return found


def _taken(stages: Upstream) -> set[str]:
    """Return the modalities that the cohort has and the network takes."""
    model = str(stages.train.facts["model"]["name"])
    return {*stages.cohort.facts["modalities"]} & {*model_file(model).INPUTS}


def _untold(stages: Upstream, name: Modality) -> InputError:
    return InputError(
        f"the cohort {stages.cohort.fingerprint[:12]} does not say how {SPOKEN[name]} was "
        "prepared; prepare it again"
    )


def _embedding_files(task: TaskConfig) -> Files | None:
    """Return how the task declares files of embeddings, for those that come later."""
    declared = task.ingest.options.get("hdf5_embeddings", {})
    own = {name: value for name, value in declared.items() if name in Files.model_fields}
    return Files.model_validate(own) if "files" in own else None


def _embeddings(stages: Upstream) -> dict[EmbeddingModality, EmbeddingInput]:
    """Return how embeddings were prepared, of those that the network takes."""
    settings: dict[str, Any] = stages.cohort.facts.get("embeddings", {"widths": {}})
    taken = _taken(stages)
    found: dict[EmbeddingModality, EmbeddingInput] = {}
    for name in EMBEDDED:
        if name not in taken:
            continue
        if name not in settings["widths"]:
            raise _untold(stages, name)
        found[name] = EmbeddingInput(
            width=settings["widths"][name],
            pool=settings["pool"],
            patches=settings["patches"][name],
            dtype=cast(Any, str(array_dtype(shard_folder(stages.cohort.folder, name)))),
            min_quality=settings["min_quality"],
        )
    return found


def _events(stages: Upstream, chosen: list[Member]) -> EventFacts | None:
    """Return how event sequences were prepared, where the network takes them."""
    if EVENTS not in _taken(stages):
        return None
    settings = stages.cohort.facts["events"]
    stats = cast(EventStats, member_stats(stages.train, chosen[0]).events)
    counts = _training_counts(stages, {member.fold for member in chosen})
    never = unlearned(loaded(stages.train, member) for member in chosen)
    return EventFacts(
        comfort_care=settings["comfort_care"],
        time=stats.time.kind,
        width=stats.width,
        longest=int(counts.max()),
        absence_taught=EVENTS not in never,
        fields_taught="tabular" not in never,
    )


def _training_counts(stages: Upstream, chosen: set[str]) -> pd.Series:
    """Return how many events each record has that any of the networks was trained on."""
    names = [f"{PART_PREFIX}{name}" for name in folds(stages.cohort)]
    frame = pd.read_parquet(stages.cohort.folder / MANIFEST, columns=[EVENT_COUNT, *names])
    own = [name for name in names if name.removeprefix(PART_PREFIX) in chosen] or names
    return frame.loc[(frame[own] == "train").any(axis=1), EVENT_COUNT].fillna(0)


def _event_tables(task: TaskConfig) -> EventTables | None:
    """Return how the task declares tables of stays and events, for those that come later."""
    declared = task.ingest.options.get("event_table")
    return None if declared is None else EventTables.model_validate(declared)


def quality_gate(stages: Upstream, config: AbstentionConfig) -> dict[str, Any]:
    """Return what training refused and what the bundle abstains from beside it."""
    if _ecg(stages) is None:
        return {}
    gate: dict[str, Any] = stages.cohort.facts["ecg"]
    return {
        "reject": tuple(dict.fromkeys([*gate["reject"], *config.flags])),
        "min_quality": gate["min_quality"] or config.min_quality,
    }


def _features(stages: Upstream) -> dict[str, str]:
    kinds: dict[str, str] = stages.ingest.facts["features"]
    return {name: kinds[name] for name in stages.cohort.facts["features"]}
