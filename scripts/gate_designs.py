"""Pairs of evaluated models whose true AUROCs are known, for `scripts/gate_error.py`.

Scores are normal within classes, of variance 1 for one recording, and shifted for patients with the
event. Part of a score's scatter is what both models see, the rest is each model's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.tables import PatientTables
from scripts.simulation import BETWEEN, MOST_RECORDINGS, WITHIN

# Of a model's own scatter under cross-validation, what each repeat's networks add anew.
_RETRAINED = 0.5


@dataclass(frozen=True, kw_only=True)
class Design:
    """Two models of one test set.

    Attributes:
        patients: how many.
        events: how many of them have the event.
        auroc: true one of the model in place.
        alike: correlation of the two models' scores within a class.
        recordings: one to `MOST_RECORDINGS` a patient instead of one.
        folds: of the cross-validation; 1 for a holdout.
        repeats: of the cross-validation.
        training: SD of the shift between the networks of different folds, in SDs of the score.
    """

    patients: int
    events: int
    auroc: float = 0.75
    alike: float = 0.6
    recordings: bool = False
    folds: int = 1
    repeats: int = 1
    training: float = 0.0

    @property
    def words(self) -> str:
        """Return what is simulated, for the table."""
        parts = [f"{self.events} of {self.patients:,}"]
        parts += ["AUROC 0.90"] * (self.auroc == 0.9)
        parts += [f"correlation {self.alike:g}"] * (self.alike != Design.alike)
        parts += [f"1–{MOST_RECORDINGS} recordings"] * self.recordings
        parts += [f"{self.folds} folds × {self.repeats}"] * (self.folds > 1)
        parts += ["networks of unlike skill"] * (self.training > 0)
        return ", ".join(parts)

    def shift(self, auroc: float) -> float:
        """Return the distance of the classes' means that gives this AUROC.

        AUROC = Φ(shift/√(v₁ + v₀)) for normal scores of variances v₁ and v₀ (Hanley 1988, Med Decis
        Making 8:197), averaged over the numbers of recordings behind a patient's mean score; a
        shift that varies by τ between networks adds τ² below the root.
        """
        counts = np.arange(1, MOST_RECORDINGS + 1) if self.recordings else np.ones(1)
        variance = BETWEEN + WITHIN / counts
        spread = np.sqrt(variance[:, None] + variance + self.training**2)
        return float(brentq(lambda x: float(ndtr(x / spread).mean()) - auroc, -5.0, 5.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Who is in which fold: the same for all test sets that share their draws of patients.

    Attributes:
        patient: `[n]` patient numbers, in ascending order within each cell.
        repeat: `[n]`.
        fold: `[n]`.
        label: `[n]`; the first patients have the event.
    """

    patient: IntArray
    repeat: IntArray
    fold: IntArray
    label: FloatArray


def rows(design: Design, rng: np.random.Generator) -> Rows:
    """Return the rows of a design, folds stratified by label as preprocess makes them."""
    patients = np.arange(design.patients)
    folds = [_folds(design, rng) for _ in range(design.repeats)]
    repeat = np.repeat(np.arange(design.repeats), design.patients)
    patient, fold = np.tile(patients, design.repeats), np.concatenate(folds)
    order = np.lexsort((patient, fold, repeat))
    label = (patient < design.events).astype(np.float64)
    return Rows(patient=patient[order], repeat=repeat[order], fold=fold[order], label=label[order])


def _folds(design: Design, rng: np.random.Generator) -> IntArray:
    events, others = design.events, design.patients - design.events
    return np.concatenate([rng.permutation(size) % design.folds for size in (events, others)])


def models(
    design: Design, rows: Rows, rng: np.random.Generator, differences: tuple[float, ...]
) -> list[PatientTables]:
    """Return the model in place and one candidate per true difference in AUROC.

    The candidates differ by their shift alone.
    """
    own = rng.integers(1, MOST_RECORDINGS + 1, design.patients) if design.recordings else None
    common = np.sqrt(design.alike) * _scatter(design.patients, own, rng)[rows.patient]
    noise = [common + _specific(design, rows, own, rng) for _ in range(2)]
    skill = [_unlike(design, rows, rng) for _ in range(2)]
    places = [(0, 0.0), *((1, difference) for difference in differences)]
    return [
        _tables(design, rows, (design.shift(design.auroc + gap) + skill[m]) * rows.label + noise[m])
        for m, gap in places
    ]


def _specific(
    design: Design, rows: Rows, own: IntArray | None, rng: np.random.Generator
) -> FloatArray:
    """Return what one model adds to the scores `[n]`, in part anew in each repeat."""
    anew = _RETRAINED if design.folds > 1 else 0.0
    lasting = _scatter(design.patients, own, rng)[rows.patient]
    each = [_scatter(design.patients, own, rng) for _ in range(design.repeats)]
    fresh = np.stack(each)[rows.repeat, rows.patient]
    return np.sqrt(1 - design.alike) * (np.sqrt(1 - anew) * lasting + np.sqrt(anew) * fresh)


def _scatter(patients: int, own: IntArray | None, rng: np.random.Generator) -> FloatArray:
    """Return normal noise `[patients]` of the mean over each patient's recordings."""
    if own is None:
        return rng.normal(size=patients)
    each = rng.normal(size=int(own.sum()))
    means = np.bincount(np.repeat(np.arange(patients), own), weights=each) / own
    return np.sqrt(BETWEEN) * rng.normal(size=patients) + np.sqrt(WITHIN) * means


def _unlike(design: Design, rows: Rows, rng: np.random.Generator) -> FloatArray:
    each = rng.normal(size=(design.repeats, design.folds))
    return design.training * each[rows.repeat, rows.fold]


def _tables(design: Design, rows: Rows, score: FloatArray) -> PatientTables:
    frame = pd.DataFrame(
        {
            "patient_id": rows.patient,
            "repeat": rows.repeat,
            "fold": rows.fold,
            "label": rows.label,
            "weight": 1.0,
            "logit": score,
        }
    )
    return PatientTables(each=frame, pooled=frame, folded=design.folds > 1)
