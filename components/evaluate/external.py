"""External validation: another prepared cohort, judged by what training and validation fixed.

The networks with their own training statistics, threshold and recalibration are taken as they are;
all labelled patients of the other cohort are the test set, without those that the model may have
seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from components.core.config.task import TaskConfig
from components.core.data.cohort import WEIGHT_PREFIX, Rows, folds, read_everyone, read_part
from components.core.data.foldstats import FoldStats
from components.core.data.held_out import Opening, read_external
from components.core.data.patient_set import read_patient_set
from components.core.device import Place
from components.core.errors import InputError, RefusedError
from components.core.members import REFIT, Member, pretrained_folder
from components.core.schemas import MANIFEST, columns_under
from components.core.store import STAGE_FILE, Stage, data_root, read_stage
from components.core.trained import member_logits, member_stats, members_of, stats_of
from components.core.upstream import Upstream
from components.evaluate.external_media import media_pairs, seen_recordings
from components.evaluate.predictions import KEYS, FoldTest, calibrate, pooled_validation

EXTERNAL = "external"
# What decides what a tensor row means; how strictly records were taken may differ.
_ALIKE = ("leads", "fs", "length", "unit", "highpass_hz", "notch_hz")
_SAME_LABEL = ("name", "horizon_days", "derive", "ctrcd_min_grade")


@dataclass(frozen=True)
class Overlap:
    """Who was left out of an external test set.

    Attributes:
        by_id: patients whose id is in the training's cohort, in any part, or among those whom a
            pretrained trunk lists.
        by_recording: further patients with a recording that is there sample by sample.
        comparable: ids of the two cohorts can be compared at all.
    """

    by_id: int
    by_recording: int
    comparable: bool

    def sentence(self) -> str:
        """Return what the report says of it."""
        found = (
            f"{self.by_id + self.by_recording:,} patient(s) who are in the training's cohort were "
            f"left out ({self.by_id:,} by id, {self.by_recording:,} by an identical recording)."
        )
        if self.comparable:
            return found
        return found + (
            " Ids could not be compared (patients unknown, or pseudonyms of another key): patients "
            "of both cohorts would be found by identical recordings only."
        )


def external_upstream(home: Upstream, cohort: Stage) -> Upstream:
    """Return the stages of an external validation.

    Args:
        home: the training and what it was made from.
        cohort: the other prepared cohort.

    Raises:
        InputError: it is the training's own, or was prepared otherwise.
    """
    check_alike(home.cohort, cohort)
    ingest = read_stage(cohort.input_folder("ingest"))
    return replace(home, cohort=cohort, ingest=ingest, home=home, internal=_internal(home.train))


def check_alike(home: Stage, other: Stage) -> None:
    """Refuse a cohort whose rows mean something else than those of training.

    Raises:
        InputError: the same cohort, another preparation, label, or a feature that is absent.
    """
    names = f"the cohort {other.fingerprint[:12]}", f"the training's {home.fingerprint[:12]}"
    if other.fingerprint == home.fingerprint:
        raise InputError(
            f"{names[0]} is the one that the model was trained on; leave 'cohort' out to evaluate "
            "on its own test part"
        )
    missing = [m for m in home.facts["modalities"] if m not in other.facts["modalities"]]
    absent = [f for f in home.facts["features"] if f not in other.facts["features"]]
    if missing or absent:
        raise InputError(
            f"{names[0]} lacks {', '.join(missing + absent)}, which {names[1]} has; prepare it "
            "with the training's configuration"
        )
    own, rival = home.facts["ecg"], other.facts["ecg"]
    pairs = [("preprocess.ecg." + k, rival.get(k), own.get(k)) for k in _ALIKE]
    if "ecg" not in home.facts["modalities"]:
        pairs = []
    pairs += media_pairs(home, other)
    labels = other.config.get("label", {}), home.config.get("label", {})
    pairs += [("label." + k, labels[0].get(k), labels[1].get(k)) for k in _SAME_LABEL]
    for key, theirs, ours in pairs:
        if theirs != ours:
            raise InputError(
                f"{names[0]} was prepared with {key} {_text(theirs)}, {names[1]} with "
                f"{_text(ours)}; prepare it with the training's configuration"
            )


def unseen(stages: Upstream) -> tuple[pd.DataFrame, Overlap]:
    """Return the labelled manifest rows of patients that the model cannot have seen.

    Args:
        stages: of an external validation.

    Raises:
        RefusedError: nobody is left, or no patient of one class.
    """
    frame = pd.read_parquet(stages.cohort.folder / MANIFEST)
    own = pd.read_parquet(_home(stages).cohort.folder / MANIFEST)
    comparable = _ids_comparable(stages)
    by_id = (frame["patient_id"].isin(own["patient_id"]) | _before(stages, frame)) & comparable
    copied = seen_recordings(frame, own)
    copied = frame["patient_id"].isin(frame.loc[copied, "patient_id"]) & ~by_id
    found = Overlap(
        by_id=len(set(frame.loc[by_id, "patient_id"])),
        by_recording=len(set(frame.loc[copied, "patient_id"])),
        comparable=comparable,
    )
    rows = frame[~by_id & ~copied & frame["label"].notna()].reset_index(drop=True)
    if len(set(rows["label"])) < 2:
        raise RefusedError(
            f"no patients of both classes are left in the external cohort: {found.sentence()} "
            "Name a cohort of other patients"
        )
    weights = rows[[f"{WEIGHT_PREFIX}{name}" for name in columns_under(rows, WEIGHT_PREFIX)]]
    return rows.assign(weight=weights.mean(axis=1).fillna(1.0)), found


def _before(stages: Upstream, frame: pd.DataFrame) -> pd.Series:
    """Return per record whether a pretrained trunk had seen the patient, as far as it says."""
    seen = read_patient_set(pretrained_folder(stages.train.folder))
    if seen is None:
        return pd.Series(data=False, index=frame.index)
    return frame["patient_id"].map({p: seen.holds(p) for p in frame["patient_id"].unique()})


def external_test(
    stages: Upstream, task: TaskConfig, opening: Opening, place: Place
) -> tuple[FoldTest, Overlap]:
    """Return the predictions for the other cohort and who was left out.

    Args:
        stages: of an external validation.
        task: the resolved configuration.
        opening: recorded permission to look at the other cohort's patients.
        place: device of the training.
    """
    frame, overlap = unseen(stages)
    names = folds(_home(stages).cohort)
    members = members_of(stages.train, REFIT) or [
        m for name in names for m in members_of(stages.train, name)
    ]
    logits: dict[str, list[Any]] = {}
    rows = _rows(stages, frame, opening, members[0])
    for member in members:
        own = _rows(stages, frame, opening, member)
        found = member_logits(stages.train, member, own, place)
        logits.setdefault(f"logit.seed{member.seed}", []).append(found)
    table = frame[KEYS].assign(**{name: np.mean(each, axis=0) for name, each in logits.items()})
    table["logit"] = table[list(logits)].mean(axis=1)
    calibration = calibrate(
        pooled_validation(stages.train, names),
        rule=task.evaluate.threshold,
        recalibrate=task.evaluate.recalibrate,
    )
    return FoldTest(fold=EXTERNAL, rows=rows, frame=table, calibration=calibration), overlap


def seen_by_baselines(stages: Upstream, fold: str) -> list[Rows]:
    """Return the rows that the simple models are fitted on: those that the network has seen."""
    cohort = stages.cohort if stages.home is None else stages.home.cohort
    if stages.home is not None:
        names = folds(cohort)
        if len(names) > 1:
            return [read_everyone(cohort, REFIT, stats=_pretrained_stats(stages, names))]
        fold = names[0]
    own = stats_of(stages.train, fold)
    return [read_part(cohort, fold, part, stats=own) for part in ("train", "val")]


def _pretrained_stats(stages: Upstream, names: list[str]) -> FoldStats | None:
    """Return the statistics of a pretrained trunk, the same in every fold; None without one."""
    found = stats_of(stages.train, names[0])
    return found if found.origin else None


def _rows(stages: Upstream, frame: pd.DataFrame, opening: Opening, member: Member) -> Rows:
    return read_external(stages.cohort, frame, opening, member_stats(stages.train, member))


def _home(stages: Upstream) -> Upstream:
    return stages if stages.home is None else stages.home


def _ids_comparable(stages: Upstream) -> bool:
    """Return whether equal ids mean one patient: known patients, and pseudonyms of one key."""
    pair = (stages.ingest, _home(stages).ingest)
    known = all(each.facts["patients_known"] for each in pair)
    keys = {str(each.config.get("ingest", {}).get("patient_key_fingerprint", "")) for each in pair}
    return known and len(keys) == 1


def _internal(train: Stage) -> Stage | None:
    """Return the newest evaluation of the training on its own test part, None without one."""
    folder = data_root() / "evaluate"
    files = sorted(folder.glob(f"*/{STAGE_FILE}"), key=lambda file: file.stat().st_mtime)
    for file in reversed(files):
        found = read_stage(file.parent)
        if found.inputs == {"train": train.fingerprint}:
            return found
    return None


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
