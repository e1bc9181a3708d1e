"""What becomes of stays: who leaves, who dies, and when; drawn after what the label rests on."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.icu.mechanism import HOURS

# No time: nobody died.
NEVER = -(2**62)
HOUR, DAY = 3600, 86_400
# Logits of leaving and of dying in the ICU before the prediction, per unit of severity.
_LEAVES, _DIES = (-1.25, -0.4), (-4.3, 0.8)
# Hours from the prediction to death, and out of the ICU and the hospital: median, SD of the log.
_DEATH_MEAN, _ICU, _WARD = 20.0, (55.0, 0.7), (80.0, 0.8)
_MOST_HOURS = 600.0
# How much sicker after the prediction those are who will die, and how much better the others.
_WORSE, _BETTER = 1.6, -0.6


def exits(rng: np.random.Generator, late: FloatArray, risk: FloatArray) -> dict[str, np.ndarray]:
    """Return who leaves or dies before the prediction, and who of the others dies in hospital."""
    leaves = rng.random(late.shape) < expit(_LEAVES[0] + _LEAVES[1] * late)
    dies = ~leaves & (rng.random(late.shape) < expit(_DIES[0] + _DIES[1] * late))
    kept = ~(leaves | dies)
    exit_ = np.where(kept, "kept", np.where(dies, "died_before", "left_before")).astype("<U16")
    return {"exit": exit_, "died": dies | (kept & (rng.random(late.shape) < risk))}


def times(rng: np.random.Generator, every: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return when stays and admissions end, in whole seconds."""
    shape, intime = every["late"].shape, every["intime"]

    def spread(median: float, log_sd: float) -> FloatArray:
        return np.minimum(rng.lognormal(np.log(median), log_sd, shape), _MOST_HOURS)

    left, gone = every["exit"] == "left_before", every["exit"] == "died_before"
    dying = HOURS + 0.5 + np.minimum(rng.exponential(_DEATH_MEAN, shape), _MOST_HOURS)
    death = np.where(gone, rng.uniform(2.0, 23.0, shape), dying)
    out = np.where(left, rng.uniform(3.0, 23.3, shape), HOURS + 0.3 + spread(*_ICU))
    # Most die in the ICU; of those who die before the prediction half are taken out after it.
    in_icu = rng.random(shape) < 0.8
    late_out = gone & (rng.random(shape) < 0.5)
    ward_death = HOURS + 0.2 + (death - HOURS) * rng.uniform(0.1, 0.5, shape)
    dead_out = np.where(in_icu | gone, death + 0.3, ward_death)
    dead_out = np.where(late_out, HOURS + rng.uniform(0.2, 2.0, shape), dead_out)
    discharge = np.maximum(out, 0.0) + spread(*_WARD)
    # Some deaths are dated after the discharge.
    paper = np.where(rng.random(shape) < 0.04, -rng.uniform(0.02, 0.4, shape), 0.0)
    hours = {"out": np.where(every["died"], dead_out, out),
             "discharge": np.where(every["died"], death + paper, discharge)}  # fmt: skip
    found = {name: intime + (own * HOUR).astype(np.int64) for name, own in hours.items()}
    death_time = intime + (death * HOUR).astype(np.int64)
    return found | {"death": np.where(every["died"], death_time, NEVER)}


def after(every: dict[str, np.ndarray]) -> FloatArray:
    """Return the severity after the prediction, which knows the label."""
    return 0.5 * every["late"] + np.where(every["died"], _WORSE, _BETTER)
