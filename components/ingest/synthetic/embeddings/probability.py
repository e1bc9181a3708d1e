"""The true chances of death and recurrence given the factors, all embeddings, or those there.

Given embeddings the two log hazards are Gaussian (`core.planted_factors`), and a chance is the mean
of `mechanism.incidences` over them, by Gauss-Hermite quadrature. Where the modality that is not
missing at random is among the inputs, that it is there (or not) weights the nodes.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.special import ndtr

from components.core.modalities import EMBEDDED
from components.core.planted_factors import Known, PlantedFactors, Seen, gaussian
from components.ingest.synthetic.cohort import BoolArray, FloatArray
from components.ingest.synthetic.embeddings.draw import Patients
from components.ingest.synthetic.embeddings.mechanism import (
    DEATH,
    NOT_AT_RANDOM,
    RECURRENCE,
    SICK_WITHOUT,
    SPREAD,
    WITH_QUALITY,
    incidences,
)

# Death by five years and recurrence by two: what the heads `survival` and `recurrence` answer.
HEADS = ("survival", "recurrence")
HORIZONS = (1826.0, 730.0)
SUBSETS: tuple[tuple[str, ...], ...] = tuple(
    subset for size in range(1, len(EMBEDDED) + 1) for subset in combinations(EMBEDDED, size)
)
# Chances move by less than 2e-4 beyond so many nodes an axis.
_NODES = 16


def probabilities(
    planted: PlantedFactors,
    patients: Patients,
    subsets: tuple[tuple[str, ...], ...] = SUBSETS,
) -> dict[str, FloatArray]:
    """Return the chances of the first and second of `HEADS`, each `[patients, 2]`.

    Keys: `factors` (given those themselves), `full` (given all five embeddings, those that were not
    recorded, too), and each subset's names joined by `_`: given what a patient has of it.
    """
    hazards = _rows(planted)
    found = {
        "factors": incidences(patients.factors @ hazards.T, HORIZONS),
        "full": _mean(planted, gaussian(planted, _seen(patients, EMBEDDED, full=True), hazards)),
    }
    for subset in subsets:
        known = gaussian(planted, _seen(patients, subset), hazards)
        recorded = patients.there[NOT_AT_RANDOM] if NOT_AT_RANDOM in subset else None
        found["_".join(subset)] = _mean(planted, known, recorded)
    return found


def _rows(planted: PlantedFactors) -> FloatArray:
    return np.stack([planted.risks[DEATH], planted.risks[RECURRENCE]])


def _seen(patients: Patients, names: tuple[str, ...], *, full: bool = False) -> Seen:
    def values(name: str) -> FloatArray:
        own = patients.vectors[name]
        seen = patients.usable(name)
        return own if full else np.where(seen[:, None], own, np.nan)

    return Seen.of({name: values(name) for name in names}, quality={WITH_QUALITY: patients.quality})


def _mean(planted: PlantedFactors, known: Known, recorded: BoolArray | None = None) -> FloatArray:
    """Return `[n, 2]` mean chances over the log hazards, whose distribution is `known`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    grid = np.stack([each.ravel() for each in np.meshgrid(nodes, nodes, indexing="ij")])
    weight = np.outer(weights, weights).ravel()[None]
    root = _root(known.covariance)
    hazards = known.mean[:, :, None] + root @ grid
    if planted.missing is not None and recorded is not None:
        # The probit's weights are along the log hazard of death.
        probit = planted.missing.intercept - SICK_WITHOUT / SPREAD[DEATH] * hazards[:, 0]
        weight = weight * ndtr(np.where(recorded[:, None], probit, -probit))
    chances = incidences(hazards.transpose(0, 2, 1), HORIZONS)
    return np.einsum("nk,nkh->nh", weight, chances) / weight.sum(axis=-1, keepdims=True)


def _root(covariance: FloatArray) -> FloatArray:
    """Return `[n, 2, 2]` lower triangles; a log hazard that is known exactly has none to spread."""
    first = np.sqrt(np.maximum(covariance[:, 0, 0], 0.0))
    across = covariance[:, 1, 0] / np.where(first > 0, first, 1.0)
    second = np.sqrt(np.maximum(covariance[:, 1, 1] - across**2, 0.0))
    return np.stack(
        [np.stack([first, np.zeros_like(first)], axis=-1), np.stack([across, second], axis=-1)],
        axis=1,
    )
