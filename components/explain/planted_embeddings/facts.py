"""What the planted truth says of the embeddings of the records that are explained.

Embeddings are taken as the networks read them: standardised by the training part, so that the mean
from which attributions start is 0. Shapes: `n` records, `W` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.planted_factors import PlantedFactors
from components.core.planted_weights import entry_weights
from components.explain.explained import Explained, Fold
from components.explain.faithfulness.means import Floats
from components.explain.lots import lots


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """One modality of all records.

    Attributes:
        values: `[n, W]` standardised; NaN where a record lacks it.
        weights: `[n, W]` of the planted risk per standardised entry; 0 where a record lacks it.
        loadings: `[W, L]` of the factors on standardised entries, of the first fold's training.
    """

    values: Floats
    weights: Floats
    loadings: Floats

    @property
    def parts(self) -> Floats:
        """Return `[n]` the modality's part of the planted risk; NaN where a record lacks it."""
        return np.asarray((self.values * self.weights).sum(axis=1), np.float64)


def risk_of(truth: Mapping[str, Any], planted: PlantedFactors, head: str) -> Floats | None:
    """Return `[L]` log-odds of a head per factor, at the mean; None of a head the truth lacks.

    Args:
        truth: content of truth.json.
        planted: the joint distribution.
        head: its name.
    """
    slopes: Mapping[str, float] | None = truth.get("log_odds_per_log_hazard", {}).get(head)
    if slopes is None:
        return None
    return np.sum([slope * planted.risks[name] for name, slope in slopes.items()], axis=0)


def embedded(
    explained: Explained, planted: PlantedFactors, risk: Floats
) -> dict[EmbeddingModality, Embedded]:
    """Return the embeddings of all records, in the order of `explained.records`.

    Args:
        explained: all of it; of a model that reads one vector per embedding.
        planted: the joint distribution.
        risk: `[L]` as of `risk_of`.
    """
    each = [_of_fold(fold, planted, risk) for fold in explained.folds]
    return {name: _joined([own[name] for own in each]) for name in each[0]}


def _of_fold(
    fold: Fold, planted: PlantedFactors, risk: Floats
) -> dict[EmbeddingModality, Embedded]:
    values, quality = _read(fold)
    weights = entry_weights(planted, risk, {str(name): own for name, own in quality.items()})
    found: dict[EmbeddingModality, Embedded] = {}
    for name, own in values.items():
        sd = np.asarray(fold.subject.rows.stats.arrays[name].sd)
        found[name] = Embedded(
            values=own, weights=weights[name] * sd,
            loadings=planted.modalities[name].loadings / sd[:, None],
        )  # fmt: skip
    return found


def _read(
    fold: Fold,
) -> tuple[dict[EmbeddingModality, Floats], dict[EmbeddingModality, Floats]]:
    """Return modality → `[n, W]` values, and `[n]` quality, 0 where a record lacks it."""
    subject = fold.subject
    names: list[EmbeddingModality] = [name for name in EMBEDDED if subject.inputs.count(name)]
    values: dict[EmbeddingModality, list[Floats]] = {name: [] for name in names}
    quality: dict[EmbeddingModality, list[Floats]] = {name: [] for name in names}
    for lot in lots(subject, np.arange(len(subject))):
        batch = subject.batch(lot)
        for name in names:
            own = {key: each.double().cpu().numpy() for key, each in batch.items()
                   if key.startswith(name)}  # fmt: skip
            there = own[f"{name}_mask"] > 0
            values[name].append(np.where(there[:, None], own[name], np.nan))
            quality[name].append(np.where(there, own.get(f"{name}_quality", 1.0), 0.0))
    return (
        {name: np.concatenate(own) for name, own in values.items()},
        {name: np.concatenate(own) for name, own in quality.items()},
    )


def _joined(parts: Sequence[Embedded]) -> Embedded:
    return Embedded(
        values=np.concatenate([own.values for own in parts]),
        weights=np.concatenate([own.weights for own in parts]),
        loadings=parts[0].loadings,
    )
