"""What validation teaches of every head: the way to probabilities, and the operating point."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.heads import BinaryHead
from components.core.heads.registry import Case, from_json, head_file
from components.core.members import Member
from components.core.metrics.patients import by_patient
from components.core.metrics.tables import floats
from components.core.store import Stage
from components.evaluate.predictions import calibrate, validation

Floats = npt.NDArray[np.float64]


def calibrations(
    train: Stage, folds: list[str], members: list[Member], method: str
) -> dict[str, dict[str, Any]]:
    """Return head → how its logits become probabilities, learned on the folds' validation parts.

    A head that validation cannot teach (`one_sided`) is left out, unless nothing is recalibrated.

    Args:
        train: the training.
        folds: whose validation parts are taken together.
        members: whose training part gives the class shares.
        method: name of the recalibration.
    """
    found: dict[str, dict[str, Any]] = {}
    shares = train.facts["class_shares"][members[0].spec_key]
    for name, head in from_json(train.facts["heads"]).items():
        if method != "none" and one_sided(train, folds, name):
            continue
        known = _known(train, folds, name)
        case = Case(
            log_odds=floats(known, "logit"),
            truth=floats(known, "label"),
            patient_id=known["patient_id"].to_numpy(str),
            weight=floats(known, "weight"),
            method=method,
            shares=tuple(shares[name]) if name in shares else None,
        )
        found[name] = head_file(head).calibrate(head, case)
    return found


def threshold_of(train: Stage, folds: list[str], name: str, rule: str) -> float:
    """Return a head's operating point on validation patients, by the task's own rule.

    Raises:
        InputError: validation has one class only.
    """
    frame = _known(train, folds, name)
    return calibrate(frame, rule=rule, recalibrate="none").threshold


def one_sided(train: Stage, folds: list[str], name: str) -> bool:
    """Return whether a head of another endpoint has one class only among validation patients.

    Parts are stratified by the label, so that an endpoint's few events may all lie elsewhere;
    preprocess refuses a part without a class of the label itself.

    Args:
        train: the training.
        folds: whose validation parts are taken together.
        name: of the head.
    """
    head = from_json(train.facts["heads"])[name]
    if not (isinstance(head, BinaryHead) and head.endpoint):
        return False
    patients = by_patient(_known(train, folds, name))
    return len(np.unique(patients.label[patients.weight > 0])) < 2


def _known(train: Stage, folds: list[str], name: str) -> pd.DataFrame:
    """Return `patient_id, label, logit, weight` of the records of which a head's truth is known."""
    val = pd.concat([validation(train, fold) for fold in folds])
    known = val[val[_column("truth", name, val)].notna()]
    return known[["patient_id"]].assign(
        label=known[_column("truth", name, val)],
        logit=known[_column("logit", name, val)],
        weight=_weight(known, name, train),
    )


def _column(kind: str, name: str, val: pd.DataFrame) -> str:
    own = f"{kind}.{name}"
    return own if own in val else {"truth": "label", "logit": "logit"}[kind]


def _weight(known: pd.DataFrame, name: str, train: Stage) -> Floats:
    """Return the weights of a head's own censoring; the truth of a target is not censored."""
    if f"weight.{name}" in known:
        return floats(known, f"weight.{name}")
    if name == train.facts["head"]:
        return floats(known, "weight")
    return np.ones(len(known))
