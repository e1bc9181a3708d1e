"""What makes five embeddings and two outcomes depend on each other.

Of a patient, `z` `[4]` are the factors that all modalities share, `v_m` `[4]` modality m's own
copy of them, `u_m` `[3]` what it alone shows; all standard normal. The modality shows
`w_m = sqrt(d) z + sqrt(1 - d) v_m`, so that two modalities' views correlate by the dependence `d`,
and `x_m = mean + scale (a W_m w_m + b U_m u_m + c e)` with shares of variance `a²`, `b²`, `c²`.
The log hazards of death and of recurrence are linear in every `w_m` and `u_m`. Sizes were set by
simulation to the figures of `docs/hcat_synth.md`; they are no estimates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.planted_factors import NotAtRandom, PlantedFactors, PlantedModality
from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

SHARED, PRIVATE = 4, 3
# Shares of an entry's variance: what the modality shows of the factors, what it alone shows, noise.
SHARES = (0.65, 0.15, 0.20)
DEATH, RECURRENCE = "death", "recurrence"
# How much of each log hazard comes through which modality, in the order of EMBEDDED.
_THROUGH = {
    DEATH: (1.0, 0.6, 0.7, 0.8, 0.6),
    RECURRENCE: (0.5, 0.7, 0.6, 1.0, 0.9),
}
# Cosine of the two endpoints' directions among the factors: what kills often comes back, too.
_ALIKE = 0.5
# Log hazard through what a modality alone shows, per unit of that through its factors.
_PRIVATE_EFFECT = 0.45
# SD of the log hazards among patients, and yearly hazards where they are 0.
SPREAD = {DEATH: 1.55, RECURRENCE: 1.9}
YEARLY = {DEATH: 0.062, RECURRENCE: 0.090}
_DIRECTIONS = {
    DEATH: np.array([1.0, 0.0, 0.0, 0.0]),
    RECURRENCE: np.array([_ALIKE, np.sqrt(1.0 - _ALIKE**2), 0.0, 0.0]),
}
# The modality that the sick have more rarely, and by how much of a probit per SD of log hazard.
NOT_AT_RANDOM: EmbeddingModality = "emb_spatial"
SICK_WITHOUT = 0.6
# The modality whose file tells a quality; an embedding of quality q has noise variance over q.
WITH_QUALITY: EmbeddingModality = "emb_pathological"
LEAST_QUALITY = 0.2
# The mechanism is one for all seeds: a cohort of another seed is a second hospital's.
_MECHANISM_SEED = 20_260_101


def mechanism(options: SyntheticOptions) -> PlantedFactors:
    """Return the joint distribution that `options` ask for.

    The factors are `z`, then `v_m` of every modality, then `u_m`, in the order of `EMBEDDED`.
    """
    risks = {name: _risk(name, options.emb_dependence) for name in SPREAD}
    sick = risks[DEATH] / SPREAD[DEATH]
    missing = NotAtRandom(
        modality=NOT_AT_RANDOM,
        intercept=float(norm.isf(options.emb_missing) * np.hypot(1.0, SICK_WITHOUT)),
        weights=-SICK_WITHOUT * sick,
    )
    return PlantedFactors(
        modalities={
            name: _modality(place, width, options.emb_dependence)
            for place, (name, width) in enumerate(zip(EMBEDDED, options.emb_widths, strict=True))
        },
        risks=risks,
        missing=missing if options.emb_missing > 0 else None,
    )


def _modality(place: int, width: int, dependence: float) -> PlantedModality:
    rng = stream(_MECHANISM_SEED, "embedding loadings", place, width)
    shown, own, noise = (np.sqrt(share) for share in SHARES)
    mean, scale = rng.normal(0.0, 1.0, width), np.exp(rng.normal(0.0, 0.4, width))
    factors = shown * _unit_rows(rng, width, SHARED)
    private = own * _unit_rows(rng, width, PRIVATE)
    loadings = factors @ _view(place, dependence) + private @ _alone(place)
    return PlantedModality(
        mean=mean, loadings=scale[:, None] * loadings, noise=(scale * noise) ** 2
    )


def _unit_rows(rng: np.random.Generator, rows: int, columns: int) -> FloatArray:
    drawn = rng.standard_normal((rows, columns))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _view(place: int, dependence: float) -> FloatArray:
    """Return `[4, L]`, which makes `w_m` of the factors."""
    made = np.zeros((SHARED, _size()))
    made[:, :SHARED] = np.sqrt(dependence) * np.eye(SHARED)
    first = SHARED * (1 + place)
    made[:, first : first + SHARED] = np.sqrt(1.0 - dependence) * np.eye(SHARED)
    return made


def _alone(place: int) -> FloatArray:
    """Return `[3, L]`, which makes `u_m` of the factors."""
    made = np.zeros((PRIVATE, _size()))
    first = SHARED * (1 + len(EMBEDDED)) + PRIVATE * place
    made[:, first : first + PRIVATE] = np.eye(PRIVATE)
    return made


def _size() -> int:
    return SHARED + len(EMBEDDED) * (SHARED + PRIVATE)


def _risk(endpoint: str, dependence: float) -> FloatArray:
    """Return `[L]` log hazard ratio per factor, of the SD that `SPREAD` gives."""
    rng = stream(_MECHANISM_SEED, f"log hazard of {endpoint}")
    weights, direction = np.zeros(_size()), _DIRECTIONS[endpoint]
    for place, through in enumerate(_THROUGH[endpoint]):
        own = _PRIVATE_EFFECT * _unit_rows(rng, 1, PRIVATE)[0]
        weights += through * (direction @ _view(place, dependence) + own @ _alone(place))
    return SPREAD[endpoint] * weights / np.linalg.norm(weights)


def incidences(log_hazards: FloatArray, horizons: Sequence[float]) -> FloatArray:
    """Return `[..., 2]` chances of death by the first and of recurrence by the second horizon.

    Hazards are constant in time and act independently given the factors: a recurrence after death
    does not exist, so the second is the cumulative incidence under competing death.

    Args:
        log_hazards: `[..., 2]` log hazard ratios of death and of recurrence.
        horizons: of death and of recurrence, days.
    """
    years = np.asarray(horizons) / DAYS_A_YEAR
    yearly = np.array([YEARLY[DEATH], YEARLY[RECURRENCE]]) * np.exp(log_hazards)
    death, recurrence = yearly[..., 0], yearly[..., 1]
    either = death + recurrence
    return np.stack(
        [-np.expm1(-death * years[0]), recurrence / either * -np.expm1(-either * years[1])],
        axis=-1,
    )


DAYS_A_YEAR = 365.25
