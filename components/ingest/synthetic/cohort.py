"""The latents of a patient, drawn once; every modality follows from them.

A cohort is drawn in blocks of `BLOCK` patients: a block depends on the seed and its number alone,
so neither the cohort's size nor the number of workers changes a patient.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.streams import stream

BLOCK = 250
SITES = ("A", "B", "C")
CANCERS = ("breast", "lymphoma", "leukaemia", "sarcoma")
# A is a breast-cancer centre, B a haematology centre, C a community hospital with older patients.
_SITE_SHARE = (0.45, 0.30, 0.25)
_SITE_AGE = {"A": 53.0, "B": 52.0, "C": 61.0}
_SITE_FEMALE = {"A": 0.96, "B": 0.50, "C": 0.72}
# P(lymphoma, leukaemia, sarcoma) per site; women have breast cancer for the remaining share.
_SITE_OTHER = {"A": (0.06, 0.01, 0.03), "B": (0.52, 0.22, 0.06), "C": (0.22, 0.05, 0.05)}
# Usual cumulative doses, mg/m2 doxorubicin equivalent: 4 x 60, 6 x 50, induction, 5 x 75.
_DOSE = {"breast": 240.0, "lymphoma": 300.0, "leukaemia": 220.0, "sarcoma": 375.0}
# Yearly hazard of death without CTRCD, by cancer.
_DEATH = {"breast": 0.012, "lymphoma": 0.05, "leukaemia": 0.12, "sarcoma": 0.09}

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cohort:
    """Latents of some patients, each field `[patients]`.

    Attributes:
        index: number of the patient in the whole cohort.
        site: `A`, `B` or `C`.
        age: years.
        female: sex.
        bmi: kg/m2.
        hypertension: known before therapy, as are `diabetes` and `prior_hf`.
        cancer: one of `CANCERS`.
        anthracycline_dose: planned cumulative dose, mg/m2 doxorubicin equivalent.
        anti_her2: trastuzumab or similar.
        radiotherapy: chest radiotherapy.
        lvef_baseline: echo before therapy, whole per cent.
        vulnerability: myocardial vulnerability `v`, standard normal, independent of the rest.
        death_hazard: per day, death without CTRCD.
    """

    index: npt.NDArray[np.int64]
    site: TextArray
    age: FloatArray
    female: BoolArray
    bmi: FloatArray
    hypertension: BoolArray
    diabetes: BoolArray
    prior_hf: BoolArray
    cancer: TextArray
    anthracycline_dose: FloatArray
    anti_her2: BoolArray
    radiotherapy: BoolArray
    lvef_baseline: FloatArray
    vulnerability: FloatArray
    death_hazard: FloatArray

    @property
    def size(self) -> int:
        """Return the number of patients."""
        return len(self.index)

    def take(self, rows: slice | BoolArray) -> Cohort:
        """Return the patients of `rows`."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def therapy(self) -> TextArray:
        """Return the therapy as a word, `[patients]`."""
        anthracycline = self.anthracycline_dose > 0
        return np.select(
            [anthracycline & self.anti_her2, anthracycline, self.anti_her2],
            ["anthracycline+anti_her2", "anthracycline", "anti_her2"],
            "other",
        ).astype(np.str_)


def draw_block(seed: int, block: int) -> Cohort:
    """Draw the `BLOCK` patients of one block."""
    return _draw(stream(seed, "cohort", block), np.arange(BLOCK, dtype=np.int64) + block * BLOCK)


def draw_reference(size: int) -> Cohort:
    """Draw a reference population for integrals; the same at every call."""
    return _draw(stream(0, "reference"), np.arange(size, dtype=np.int64))


def _draw(rng: np.random.Generator, index: npt.NDArray[np.int64]) -> Cohort:
    n = len(index)
    site = rng.choice(np.array(SITES), size=n, p=_SITE_SHARE)
    age = np.round(np.clip(_lookup(site, _SITE_AGE) + 12.0 * rng.standard_normal(n), 20.0, 88.0))
    female = rng.random(n) < _lookup(site, _SITE_FEMALE)
    bmi = np.round(np.clip(27.0 + 4.8 * rng.standard_normal(n), 16.0, 50.0), 1)
    # Prevalences rise with age and BMI as in Western adults of these ages.
    hypertension = rng.random(n) < _logistic(-1.0 + 0.6 * (age - 55) / 10 + 0.3 * (bmi - 27) / 5)
    diabetes = rng.random(n) < _logistic(-2.3 + 0.3 * (age - 55) / 10 + 0.5 * (bmi - 27) / 5)
    prior_hf = rng.random(n) < _logistic(-3.6 + 0.5 * (age - 55) / 10 + 0.8 * hypertension)
    cancer = _draw_cancer(rng, site, female)
    dose, anti_her2, radiotherapy = _draw_therapy(rng, cancer)
    lvef = 63.0 - 7.0 * prior_hf - 0.5 * (age - 55) / 10 + 4.5 * rng.standard_normal(n)
    yearly = _lookup(cancer, _DEATH) * np.exp(0.3 * (age - 55) / 10)
    return Cohort(
        index=index,
        site=site,
        age=age,
        female=female,
        bmi=bmi,
        hypertension=hypertension,
        diabetes=diabetes,
        prior_hf=prior_hf,
        cancer=cancer,
        anthracycline_dose=dose,
        anti_her2=anti_her2,
        radiotherapy=radiotherapy,
        lvef_baseline=np.round(np.clip(lvef, 46.0, 76.0)),
        vulnerability=rng.standard_normal(n),
        death_hazard=yearly / 365.0,
    )


def _draw_cancer(rng: np.random.Generator, site: TextArray, female: BoolArray) -> TextArray:
    shares = np.array([_SITE_OTHER[name] for name in site])
    breast = np.where(female, 1.0 - shares.sum(axis=1), 0.0)
    weight = np.column_stack([breast, shares])
    cumulative = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    choice = (rng.random(len(site))[:, None] > cumulative[:, :-1]).sum(axis=1)
    return np.array(CANCERS)[choice]


def _draw_therapy(
    rng: np.random.Generator, cancer: TextArray
) -> tuple[FloatArray, BoolArray, BoolArray]:
    n = len(cancer)
    breast = cancer == "breast"
    anti_her2 = breast & (rng.random(n) < 0.45)
    # Half of the HER2-positive and nearly all other patients get an anthracycline.
    treated = rng.random(n) < np.where(anti_her2, 0.50, np.where(breast, 0.80, 0.92))
    dose = np.clip(_lookup(cancer, _DOSE) * np.exp(0.25 * rng.standard_normal(n)), 60.0, 550.0)
    radiotherapy = rng.random(n) < np.where(breast, 0.40, np.where(cancer == "lymphoma", 0.25, 0.1))
    return np.where(treated, np.round(dose / 5) * 5, 0.0), anti_her2, radiotherapy


def _lookup(keys: TextArray, table: dict[str, float]) -> FloatArray:
    return np.array([table[str(key)] for key in keys])


def _logistic(x: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-x))
