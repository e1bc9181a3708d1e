"""From an explanation and the planted factors to the section that compares them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.metrics.resampling import Plan
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.planted_truth import truth_factors, truth_summary
from components.core.report.section import Section
from components.core.upstream import Upstream
from components.explain.cohort import whole
from components.explain.embedding_entries import METHOD, entries_of
from components.explain.explained import Explained
from components.explain.faithfulness.means import Floats, Ids
from components.explain.planted_embeddings.directions import (
    Direction,
    direction_sums,
    directions,
    together,
)
from components.explain.planted_embeddings.facts import Embedded, embedded, risk_of
from components.explain.planted_embeddings.section import ALL, section, without_truth
from components.explain.planted_embeddings.shares import Shares, shares_of

# How several vectors of a patient became one: the planted law is that of their mean.
_POOL = "mean"


def planted_embeddings_sections(
    folder: Path, explained: Explained, behind: Upstream, plan: Plan
) -> list[Section]:
    """Return the section; nothing without embeddings, or where nothing was planted in them.

    Args:
        folder: the workspace, with the merged traces.
        explained: what all methods said.
        behind: the stages behind the model.
        plan: of every interval.
    """
    if not set(EMBEDDED) & set(explained.folds[0].subject.inputs):
        return []
    truth, planted = truth_summary(behind.ingest), truth_factors(behind.ingest)
    if truth is None or planted is None:
        return []
    pool = behind.cohort.facts["embeddings"]["pool"]
    if pool != _POOL:
        reason = f"Patches were pooled by '{pool}', and the planted law is that of their mean"
        return [without_truth(reason)]
    risk = risk_of(truth, planted, explained.head.name)
    if risk is None:
        return [without_truth(f"The truth knows no risk of the head {explained.head.name}")]
    found = embedded(explained, planted, risk)
    patients = explained.records["patient_id"].to_numpy(object)
    return [
        section(
            _shares(explained, found, patients, plan),
            _directions(folder, explained, found, patients, plan=plan),
            titles={each.NAME: each.TITLE for each in explained.methods},
        )
    ]


def _shares(
    explained: Explained,
    found: Mapping[EmbeddingModality, Embedded],
    patients: Ids,
    plan: Plan,
) -> dict[str, Shares]:
    names, shares = tuple(found), dict[str, Shares]()
    parts = np.stack([own.parts for own in found.values()], axis=1)
    for method in explained.methods:
        said, _ = whole(explained, method)
        if "modality" in said.grouped:
            values = _of_modalities(said.grouped["modality"], names)
            shares[method.NAME] = shares_of(names, values, parts, patients=patients, plan=plan)
    return shares


def _of_modalities(own: Grouped, names: tuple[EmbeddingModality, ...]) -> Floats:
    """Return `[n, M]` attributions of embeddings, in the order of `names`."""
    return own.values[:, [own.names.index(name) for name in names]]


def _directions(
    folder: Path,
    explained: Explained,
    found: Mapping[EmbeddingModality, Embedded],
    patients: Ids,
    *,
    plan: Plan,
) -> dict[str, Direction]:
    if METHOD not in {each.NAME for each in explained.methods}:
        return {}
    samples = explained.records["sample_id"].astype(str)
    sums: dict[str, Floats] = {
        name: direction_sums(own, entries_of(folder, explained, name, samples), seed=plan.seed)
        for name, own in found.items()
    }
    return directions({**sums, ALL: together(list(sums.values()))}, patients=patients, plan=plan)
