"""From an explanation and the planted truth to the section that compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.metrics.resampling import Plan
from components.core.modalities import EVENTS
from components.core.report.section import Section
from components.core.upstream import Upstream
from components.explain import planted
from components.explain.event_values import LEAST_PATIENTS, sequences
from components.explain.explained import Explained
from components.explain.faithfulness.means import Floats, Ids
from components.explain.pictures.means import means
from components.explain.planted_events.facts import Marks, PlantedEvent, marks, planted_in
from components.explain.planted_events.networks import of_controls, of_model, taken_out
from components.explain.planted_events.section import TAKEN_OUT, Effect, not_found, section
from components.explain.planted_events.shares import (
    by_planted,
    counted,
    joined,
    marked,
    recent_over_earlier,
)

# Methods that tell of single events; the first alone is run again by networks taught nothing.
METHODS = ("ig", "layer_ig")


def planted_events_sections(
    folder: Path,
    explained: Explained,
    behind: Upstream,
    controls: Sequence[Upstream],
    plan: Plan,
) -> list[Section]:
    """Return the section; nothing without event sequences, or where nothing was planted in them.

    Args:
        folder: the workspace, with the merged traces.
        explained: what all methods said.
        behind: the stages behind the model.
        controls: those behind trainings on shuffled labels.
        plan: of every interval.
    """
    truth = planted_in(behind.ingest)
    methods = [each for each in explained.methods if each.NAME in METHODS]
    if EVENTS not in explained.folds[0].subject.inputs or not truth or not methods:
        return []
    each = [marks(sequences(fold), truth) for fold in explained.folds]
    every = joined(each)
    if not every.inside.any():
        return [not_found()]
    patients = explained.records["patient_id"].to_numpy(object)
    said = {own.NAME: of_model(folder, explained, own.NAME) for own in methods}
    taught = {
        own.NAME: of_controls(explained, behind, controls, own)
        for own in methods
        if METHODS[0] == own.NAME
    }
    out = [taken_out(fold.subject, own, len(truth))
           for fold, own in zip(explained.folds, each, strict=True)]  # fmt: skip
    parts = {name: by_planted(own, every, len(truth)) for name, own in said.items()}
    return [
        section(
            _located(said, taught, every, patients, plan=plan),
            {name: recent_over_earlier(own, every, patients=patients, plan=plan)
             for name, own in said.items()},
            _effects({**parts, TAKEN_OUT: np.concatenate(out)}, truth, patients, plan),
            titles={own.NAME: own.TITLE for own in methods},
            counted=counted(every),
        )
    ]  # fmt: skip


def _located(
    said: Mapping[str, Floats],
    taught: Mapping[str, Sequence[Floats]],
    every: Marks,
    patients: Ids,
    *,
    plan: Plan,
) -> dict[str, planted.Located]:
    return {
        name: planted.of_sums(
            marked(own, every), [marked(other, every) for other in taught.get(name, ())],
            patients=patients, plan=plan,
        )
        for name, own in said.items()
    }  # fmt: skip


def _effects(
    parts: Mapping[str, Floats], truth: Sequence[PlantedEvent], patients: Ids, plan: Plan
) -> list[Effect]:
    """Return the effects of the planted events that at least `LEAST_PATIENTS` have."""
    names = tuple(each.name for each in truth)
    found = {
        key: means(Grouped(kind="planted", names=names, values=own), patients, plan=plan)
        for key, own in parts.items()
    }
    there = np.isfinite(parts[TAKEN_OUT]).sum(axis=0)
    return [
        Effect(
            event=each,
            said={key: own[each.name].signed for key, own in found.items()},
            records=int(there[place]),
            patients=found[TAKEN_OUT][each.name].patients,
        )
        for place, each in enumerate(truth)
        if each.name in found[TAKEN_OUT] and found[TAKEN_OUT][each.name].patients >= LEAST_PATIENTS
    ]
