"""Draws the patients of one block and their ICU stays, up to the label and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from components.ingest.synthetic.cohort import BLOCK, BoolArray, FloatArray, TextArray
from components.ingest.synthetic.icu import mechanism
from components.ingest.synthetic.icu.mechanism import HOURS
from components.ingest.synthetic.streams import stream

IntArray = npt.NDArray[np.int64]

# No time: nobody died.
NEVER = -(2**62)
HOUR, DAY = 3600, 86_400
ADMISSIONS, _ADMISSION_SHARE = 3, (0.86, 0.11, 0.03)
PERIODS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")
# MIMIC-IV tells the age of those above 89 as 91.
OLDEST, TOLD_OLDEST = 89, 91
# Mean and SD of the log of how much is ordered and measured; a few have many times as much.
_INTENSITY, _MUCH = (0.1, 0.55), (0.01, 6.0)
# Logits of leaving and of dying in the ICU before the prediction, per unit of severity.
_LEAVES, _DIES = (-1.25, -0.4), (-4.3, 0.8)
# Hours from the prediction to death, and out of the ICU and the hospital: median, SD of the log.
_DEATH_MEAN, _ICU, _WARD = 20.0, (55.0, 0.7), (80.0, 0.8)
_MOST_HOURS = 600.0
# How much sicker after the prediction those are who will die, and how much better the others.
_WORSE, _BETTER = 1.6, -0.6
_BROKEN = ("no_admission", "bad_times", "no_label")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stays:
    """ICU stays that are a record's, each field `[n]` or with that first axis; times in seconds.

    Attributes:
        patient: number of the patient in the whole cohort.
        number: of the patient's admissions, from 0.
        anchor_age: as MIMIC-IV tells it, in `anchor_year`.
        anchor_year: shifted.
        period: one of `PERIODS`.
        female: sex.
        age: at ICU admission, as the source tells it.
        admission_type: place in `ADMISSION_TYPES`.
        early: severity long before the prediction.
        late: severity shortly before it.
        after: severity after it; knows the label.
        intensity: how much is measured and ordered, 1 for the middle.
        inside: `[n, K]` planted events within their window and known by the prediction.
        earlier: `[n, K]` the same events before their window.
        admit: admission to the hospital.
        intime: admission to the ICU.
        out: out of the ICU.
        discharge: out of the hospital; for the dead about the time of death.
        death: `NEVER` for survivors.
        died: hospital death.
        exit: `kept`, or why the stay is none of the cohort's.
    """

    patient: IntArray
    number: IntArray
    anchor_age: IntArray
    anchor_year: IntArray
    period: TextArray
    female: BoolArray
    age: FloatArray
    admission_type: IntArray
    early: FloatArray
    late: FloatArray
    after: FloatArray
    intensity: FloatArray
    inside: BoolArray
    earlier: BoolArray
    admit: IntArray
    intime: IntArray
    out: IntArray
    discharge: IntArray
    death: IntArray
    died: BoolArray
    exit: TextArray

    @property
    def size(self) -> int:
        """Return the number of stays."""
        return len(self.patient)

    @property
    def kept(self) -> BoolArray:
        """Return `[n]` who is in the cohort."""
        return self.exit == "kept"

    @property
    def prediction(self) -> IntArray:
        """Return `[n]` when the prediction is made."""
        return self.intime + int(HOURS * HOUR)

    @property
    def end(self) -> IntArray:
        """Return `[n]` the last moment of the admission: death or discharge."""
        return np.where(self.died, self.death, self.discharge)

    @property
    def span(self) -> FloatArray:
        """Return `[n]` hours from hospital admission to the prediction."""
        return (self.prediction - self.admit) / HOUR

    def of(self, rows: BoolArray) -> Stays:
        """Return the stays where `rows` `[n]` says so."""
        return Stays(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence[Stays]) -> Stays:
        """Return the stays of several blocks."""
        return cls(**{
            each.name: np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(cls)
        })  # fmt: skip


def draw_stays(seed: int, block: int, *, broken: bool) -> Stays:
    """Return the stays of a block's patients, which depend on the seed and its number alone.

    Args:
        seed: of the cohort.
        block: its number.
        broken: make the row of one stay unusable.
    """
    rng = stream(seed, "icu patients", block)
    every = _severity(rng) | _patients(rng, block) | _before(rng)
    risk = (
        mechanism.INTERCEPT
        + mechanism.event_log_odds(every["inside"].reshape(-1, len(mechanism.PLANTED)))
        + mechanism.static_log_odds(every["age"].ravel(), every["admission_type"].ravel())
    ).reshape(BLOCK, ADMISSIONS)
    every["earlier"] &= _room(every)
    every |= _exits(rng, every["late"], expit(risk))
    every |= _times(rng, every)
    every["after"] = 0.5 * every["late"] + np.where(every["died"], _WORSE, _BETTER)
    admissions = rng.choice(np.arange(1, ADMISSIONS + 1), BLOCK, p=_ADMISSION_SHARE)
    alive = np.cumsum(every["died"], axis=1) - every["died"] == 0
    there = (np.arange(ADMISSIONS) < admissions[:, None]) & alive
    stays = Stays(**{each.name: every[each.name][there] for each in fields(Stays)})
    return _with_broken(stream(seed, "icu broken", block), stays) if broken else stays


def _patients(rng: np.random.Generator, block: int) -> dict[str, np.ndarray]:
    """Return what is known of patients, and when they are admitted to hospital and ICU."""
    age = np.clip(np.round(rng.normal(64.0, 16.0, BLOCK)), 18, 97).astype(np.int64)
    age = np.where(age > OLDEST, TOLD_OLDEST, age)
    year = rng.integers(2110, 2200, BLOCK)
    gaps = rng.uniform(150.0, 500.0, (BLOCK, ADMISSIONS))
    gaps[:, 0] = rng.uniform(0.0, 364.0, BLOCK)
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[s]").astype(np.int64)
    admit = first[:, None] + (np.cumsum(gaps, axis=1) * 1440).astype(np.int64) * 60
    ward = np.minimum(rng.lognormal(np.log(20.0), 1.0, (BLOCK, ADMISSIONS)), 240.0)
    direct = rng.random((BLOCK, ADMISSIONS)) < 0.5
    intime = admit + (np.where(direct, rng.uniform(0.5, 6.0, direct.shape), ward) * HOUR).astype(
        np.int64
    )
    told = intime.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    shares = [share for share, _ in mechanism.ADMISSION_TYPES.values()]
    same = {
        "patient": np.arange(BLOCK) + block * BLOCK, "anchor_age": age, "anchor_year": year,
        "period": rng.choice(PERIODS, BLOCK), "female": rng.random(BLOCK) < 0.44,
    }  # fmt: skip
    return {name: np.repeat(own[:, None], ADMISSIONS, axis=1) for name, own in same.items()} | {
        "number": np.tile(np.arange(ADMISSIONS), (BLOCK, 1)),
        "admit": admit,
        "intime": intime,
        "age": (age[:, None] + told - year[:, None]).astype(np.float64),
        "admission_type": rng.choice(len(shares), (BLOCK, ADMISSIONS), p=shares),
    }


def _severity(rng: np.random.Generator) -> dict[str, np.ndarray]:
    shape, rho = (BLOCK, ADMISSIONS), mechanism.PATH_CORRELATION
    early = rng.standard_normal(shape)
    late = rho * early + np.sqrt(1.0 - rho**2) * rng.standard_normal(shape)

    def planted(level: FloatArray, *, earlier: bool) -> BoolArray:
        chance = mechanism.chances(level.ravel(), earlier=earlier)
        return (rng.random(chance.shape) < chance).reshape(*shape, -1)

    return {
        "early": early,
        "late": late,
        "inside": planted(late, earlier=False),
        "earlier": planted(early, earlier=True),
    }


def _before(rng: np.random.Generator) -> dict[str, np.ndarray]:
    shape = (BLOCK, ADMISSIONS)
    much = np.where(rng.random(shape) < _MUCH[0], _MUCH[1], 1.0)
    return {"intensity": much * rng.lognormal(*_INTENSITY, shape)}


def _room(every: dict[str, np.ndarray]) -> BoolArray:
    """Return whether the patient was there long enough before each planted event's window."""
    span = HOURS + (every["intime"] - every["admit"]) / HOUR
    return span[:, :, None] > np.array([each.window_hours + 2.0 for each in mechanism.PLANTED])


def _exits(rng: np.random.Generator, late: FloatArray, risk: FloatArray) -> dict[str, np.ndarray]:
    """Return who leaves or dies before the prediction, and who of the others dies in hospital."""
    leaves = rng.random(late.shape) < expit(_LEAVES[0] + _LEAVES[1] * late)
    dies = ~leaves & (rng.random(late.shape) < expit(_DIES[0] + _DIES[1] * late))
    kept = ~(leaves | dies)
    exit_ = np.where(kept, "kept", np.where(dies, "died_before", "left_before")).astype("<U16")
    return {"exit": exit_, "died": dies | (kept & (rng.random(late.shape) < risk))}


def _times(rng: np.random.Generator, every: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
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


def _with_broken(rng: np.random.Generator, stays: Stays) -> Stays:
    """Make one row unusable, in one of three ways."""
    place, way = int(rng.integers(stays.size)), str(rng.choice(_BROKEN))
    stays.exit[place] = way
    return stays
