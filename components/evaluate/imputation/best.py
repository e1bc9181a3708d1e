"""The least possible error of an imputation, where the cohort's joint distribution was planted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.core.data.arrays import ArrayStats
from components.core.data.cohort import Rows
from components.core.imputation.vectors import Floats, Vectors
from components.core.modalities import EmbeddingModality
from components.core.planted_factors import PlantedFactors, Seen, expected


def native(values: Floats, stats: ArrayStats) -> Floats:
    """Return `[n, W]` z-scores in the units of their file."""
    return values * np.asarray(stats.sd) + np.asarray(stats.mean)


def best_alone(
    planted: PlantedFactors, truth: Vectors, rows: Rows
) -> dict[EmbeddingModality, Floats]:
    """Return each modality's conditional expectation, as z-scores, where it alone is hidden.

    Args:
        planted: the joint distribution.
        truth: of the rows.
        rows: with their qualities and the statistics of their z-scores.
    """
    stats = rows.stats.arrays
    values = {name: native(truth.entries[name], stats[name]) for name in truth.names}
    recorded = {name: truth.column(name) for name in truth.names}
    found: dict[EmbeddingModality, Floats] = {}
    seen = Seen.of(values, quality=_quality(rows), recorded=recorded)
    for name in truth.names:
        mean, _ = expected(planted, name, seen)  # its own values are not looked at
        scale = stats[name]
        found[name] = (mean - np.asarray(scale.mean)) / np.asarray(scale.sd)
    return found


def _quality(rows: Rows) -> Mapping[str, Floats]:
    return {
        name: np.where(part.there, part.quality, 1.0).astype(np.float64)
        for name, part in rows.arrays.items()
        if part.quality is not None
    }
