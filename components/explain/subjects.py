"""Folds of a training as subjects: networks, records, baselines, beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from components.core.attribution.reference import tabular_mean
from components.core.attribution.target import Target
from components.core.data.cohort import Rows, read_part
from components.core.data.held_out import Opening, read_test
from components.core.device import Place
from components.core.errors import CardioError
from components.core.heads.registry import View
from components.core.media.config import SoundConfig
from components.core.models.registry import model_file
from components.core.store import Stage
from components.core.trained import loaded, members_of, stats_of
from components.explain.samples import Chosen
from components.explain.subject import Subject

# find(rows, fs) -> [n, L] parts of the beats, −1 all along a record in which no beat is found.
Segment = Callable[[Rows, float], npt.NDArray[np.int8]]


@dataclass(frozen=True, kw_only=True)
class Model:
    """What is explained on which records.

    Attributes:
        train: the training.
        cohort: prepared; the one whose records are explained.
        head: whose log-odds count.
        place: device and precision.
    """

    train: Stage
    cohort: Stage
    head: View
    place: Place


def open_subjects(
    model: Model, chosen: Chosen, *, part: str, opening: Opening | None, segment: Segment
) -> list[Subject]:
    """Return one subject per fold that has records to explain.

    Args:
        model: whose networks are asked.
        chosen: fold → records.
        part: in which they lie.
        opening: of the test part, recorded; needed for that part alone.
        segment: finds the parts of the beats of records with an ECG.

    Raises:
        RefusedError: the opening is of another split, or was not recorded.
    """
    return [
        _subject(model, fold, _rows(model, fold, part, ids, opening), segment)
        for fold, ids in chosen.by_fold.items()
    ]


def bare_subject(model: Model, fold: str) -> Subject:
    """Return a fold's networks without any record, which says what fits them; opens nothing."""
    rows = _rows(model, fold, "val", (), None)
    return _subject(model, fold, rows, lambda _rows, _fs: np.empty((0, 0), np.int8))


def _rows(model: Model, fold: str, part: str, ids: Sequence[str], opening: Opening | None) -> Rows:
    """Return the named records of a fold, in the order of the manifest."""
    stats = stats_of(model.train, fold)
    if part != "test":
        every = read_part(model.cohort, fold, part, unlabelled=True, stats=stats)
    elif opening is None:
        raise CardioError("the test part was asked for without an opening; record one first")
    else:
        every = read_test(model.cohort, fold, opening, unlabelled=True, stats=stats)
    taken = every.frame["sample_id"].astype(str).isin(set(ids)).to_numpy(np.bool_)
    rows = every.take(np.flatnonzero(taken))
    return rows if "ecg" in _inputs(model.train, fold, rows) else rows.without("ecg")


def _subject(model: Model, fold: str, rows: Rows, segment: Segment) -> Subject:
    inputs = _inputs(model.train, fold, rows)
    networks = [loaded(model.train, member) for member in members_of(model.train, fold)]
    target = Target([each.to(model.place.device) for each in networks], model.head)
    has_ecg = "ecg" in inputs
    ecg: dict[str, Any] = (
        model.cohort.facts["ecg"] if has_ecg else {"leads": (), "fs": 0.0, "unit": "mV"}
    )
    fs = float(ecg["fs"])
    return Subject(
        fold=fold,
        target=target.eval(),
        inputs=inputs,
        rows=rows,
        leads=tuple(ecg["leads"]),
        fs=fs,
        unit=str(ecg["unit"]),
        tabular_mean=torch.from_numpy(tabular_mean(model.train, model.cohort, fold, rows.stats)),
        segments=segment(rows, fs) if has_ecg else None,
        place=model.place,
        sound=_sound(model.cohort) if "pcg" in inputs else None,
        columns=model.cohort.facts.get("embeddings", {}).get("columns", {}),
    )


def _sound(cohort: Stage) -> SoundConfig | None:
    """Return how a prepared cohort's heart sounds became arrays; None where it does not say."""
    settings = cohort.config.get("preprocess", {}).get("pcg")
    return None if settings is None else SoundConfig.model_validate(settings)


def _inputs(train: Stage, fold: str, rows: Rows) -> tuple[str, ...]:
    """Return what the networks take in and the records have, in the order of `MODALITIES`."""
    settings = members_of(train, fold)[0].model or train.facts["model"]
    takes = model_file(settings["name"]).INPUTS
    return tuple(name for name in rows.modalities if name in takes)


def without_beat(subject: Subject) -> npt.NDArray[np.bool_]:
    """Return `[n]` whether no beat was found; never without an ECG."""
    if subject.segments is None:
        return np.zeros(len(subject), np.bool_)
    return np.asarray((subject.segments < 0).all(axis=1), np.bool_)
