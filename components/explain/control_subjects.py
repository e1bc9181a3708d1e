"""The explained records before networks that were trained on shuffled labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch

from components.core.attribution.reference import tabular_mean
from components.core.attribution.target import Target
from components.core.control import is_control
from components.core.data.cohort import make_rows
from components.core.errors import InputError
from components.core.schemas import MANIFEST, PART_PREFIX
from components.core.store import Stage
from components.core.trained import loaded, members_of, primary_view, stats_of
from components.core.upstream import Upstream
from components.explain.subject import Subject


def check_control(model: Upstream, control: Upstream) -> None:
    """Check that a training may serve as the model's control.

    Raises:
        InputError: its labels are not shuffled, it differs from the model by more than that, or
            a record is in another part.
    """
    name = control.train.fingerprint[:12]
    if not is_control(control.cohort):
        raise InputError(
            f"the training {name} is no control, its labels were not shuffled; train one with "
            "label.shuffle=1"
        )
    different = _differences(model, control)
    if different:
        raise InputError(
            f"the control {name} differs from the model in {', '.join(different)}; train it with "
            "the same settings and label.shuffle=1"
        )
    moved = _in_other_parts(model.cohort, control.cohort)
    if moved:
        raise InputError(
            f"the control {name} has {moved:,} record(s) in another part than the model, so that "
            "it may have learned from records that are explained; prepare and train it again with "
            "label.shuffle=1"
        )


def control_subjects(
    subject: Subject, model: Upstream, controls: Sequence[Upstream]
) -> list[Subject]:
    """Return the same records, to be explained by each network of the controls by itself.

    A control's networks see them as they were trained: encoded by their own statistics, with the
    mean of their own training part as the table's baseline.

    Raises:
        InputError: a training is no control of this model, or has no such fold.
    """
    found: list[Subject] = []
    for control in controls:
        check_control(model, control)
        members = members_of(control.train, subject.fold)
        if not members:
            raise InputError(
                f"the control {control.train.fingerprint[:12]} has no fold '{subject.fold}'; train "
                "it with the model's split"
            )
        stats = stats_of(control.train, subject.fold)
        rows = make_rows(model.cohort, subject.rows.frame, stats)
        if "ecg" not in subject.inputs:
            rows = rows.without("ecg")
        view = primary_view(control.train)
        mean = torch.from_numpy(tabular_mean(control.train, control.cohort, subject.fold, stats))
        for member in members:
            network = loaded(control.train, member).to(subject.place.device)
            target = Target([network], view).eval()
            found.append(replace(subject, target=target, rows=rows, tabular_mean=mean))
    return found


def _differences(model: Upstream, control: Upstream) -> list[str]:
    """Return in what a control differs beside its labels, for people."""
    pairs: dict[str, tuple[Any, Any]] = {
        "its records": (model.ingest.fingerprint, control.ingest.fingerprint),
        "its preparation": (_prepared(model.cohort), _prepared(control.cohort)),
        "its network": (model.train.facts["model"], control.train.facts["model"]),
        "its heads": (model.train.facts["heads"], control.train.facts["heads"]),
    }
    return [name for name, (own, other) in pairs.items() if own != other]


def _in_other_parts(model: Stage, control: Stage) -> int:
    """Return how many records either cohort has in another part of some fold, or alone."""
    own, other = (_parts(each) for each in (model, control))
    every = own.index.union(other.index)
    same = own.reindex(every).eq(other.reindex(every)).fillna(value=False)
    return int((~same).sum())


def _parts(cohort: Stage) -> pd.Series:
    """Return each record's part in every fold as one text, by `sample_id`."""
    names = [f"{PART_PREFIX}{fold}" for fold in sorted(cohort.facts["folds"])]
    frame = pd.read_parquet(cohort.folder / MANIFEST, columns=["sample_id", *names])
    told = [" ".join(row) for row in frame[names].astype(str).itertuples(index=False, name=None)]
    return pd.Series(told, index=frame["sample_id"].astype(str), dtype="string")


def _prepared(cohort: Stage) -> Mapping[str, Any]:
    """Return a cohort's settings but for the shuffled labels."""
    label = {key: value for key, value in cohort.config["label"].items() if key != "shuffle"}
    return {**cohort.config, "label": label}
