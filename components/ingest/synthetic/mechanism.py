"""The causal coefficients: everything that makes a label likely stands in this file.

The fall of the LVEF is `drop = linear(tabular) + beta_v * v + noise` in LVEF points. The ECG sees
`u = gain * v + gamma(tabular)` through five morphology scores `z_k = a_k * u + noise_k`. The sizes
were set by simulation so that the targets of `docs/synthetic.md` hold; they are plausible in sign
and order (Lyon et al. 2022, ESC guideline, table of baseline risk factors), not estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.loadings import ALL, FEATURES, Loadings
from components.ingest.synthetic.options import SyntheticOptions

FloatArray = npt.NDArray[np.float64]

# LVEF points of fall per unit of each tabular column (age per decade over 55, BMI per 5 kg/m2
# over 27, dose per 100 mg/m2 doxorubicin equivalent).
DROP_POINTS = {
    "age": 1.0,
    "sex": 0.2,
    "bmi": 0.3,
    "hypertension": 1.2,
    "diabetes": 0.8,
    "prior_hf": 2.0,
    "anthracycline_dose": 1.2,
    "anti_her2": 1.8,
    "radiotherapy": 0.7,
}
# Shift of the ECG substrate `u`, in SD of `v`, so that age, sex and a low LVEF look like disease.
ECG_SHIFT = {"age": 0.15, "sex": 0.15, "lvef_baseline": 0.10}
# Variance of the error of `substrate_estimate`: one over the summed precision, which is the same
# whichever scores carry it (`Loadings.of`).
ESTIMATE_VARIANCE = float(1.0 / ALL.precision.sum())
# In a planted subgroup gap the ECG shows this share of `v`.
SUBGROUP_GAIN = 0.35


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """The strengths that options can change.

    Attributes:
        intercept: LVEF points of fall at the reference patient.
        tabular: factor on `DROP_POINTS`.
        beta_v: LVEF points per SD of vulnerability.
        residual_sd: SD of the fall given everything observed, LVEF points.
    """

    intercept: float = 0.0
    tabular: float = 1.05
    beta_v: float = 4.2
    residual_sd: float = 5.8

    @classmethod
    def of(cls, options: SyntheticOptions) -> Mechanism:
        """Return the mechanism that `options` ask for."""
        if options.dominant == "clinical":
            return cls(intercept=-3.9, tabular=1.8, beta_v=2.2)
        return cls()

    def tabular_drop(self, cohort: Cohort) -> FloatArray:
        """Return the tabular part of the mean fall, `[patients]`, LVEF points."""
        units = tabular_units(cohort)
        total = sum(points * units[name] for name, points in DROP_POINTS.items())
        return self.intercept + self.tabular * np.asarray(total, dtype=np.float64)


def tabular_units(cohort: Cohort) -> dict[str, FloatArray]:
    """Return the tabular columns in the units of `DROP_POINTS`, each `[patients]`."""
    return {
        "age": (cohort.age - 55.0) / 10.0,
        "sex": cohort.female.astype(np.float64),
        "bmi": (cohort.bmi - 27.0) / 5.0,
        "hypertension": cohort.hypertension.astype(np.float64),
        "diabetes": cohort.diabetes.astype(np.float64),
        "prior_hf": cohort.prior_hf.astype(np.float64),
        "anthracycline_dose": cohort.anthracycline_dose / 100.0,
        "anti_her2": cohort.anti_her2.astype(np.float64),
        "radiotherapy": cohort.radiotherapy.astype(np.float64),
    }


def ecg_shift(cohort: Cohort) -> FloatArray:
    """Return the part of the ECG substrate that age, sex and LVEF explain, `[patients]`."""
    age = ECG_SHIFT["age"] * (cohort.age - 55.0) / 10.0
    sex = ECG_SHIFT["sex"] * (cohort.female - 0.5)
    lvef = ECG_SHIFT["lvef_baseline"] * (62.0 - cohort.lvef_baseline) / 5.0
    return age + sex + lvef


def subgroup_gain(cohort: Cohort, subgroup: str | None) -> FloatArray:
    """Return the share of `v` that the ECG shows, `[patients]` (1 outside a planted gap)."""
    gain = np.ones(cohort.size)
    if subgroup is not None:
        column, value = subgroup.split("=")
        members = cohort.site == value if column == "site" else cohort.female == (value == "F")
        gain[members] = SUBGROUP_GAIN
    return gain


def morphology_scores(
    cohort: Cohort, *, gain: FloatArray, rng: np.random.Generator, loadings: Loadings = ALL
) -> FloatArray:
    """Draw the noise-free informative ECG scores `[patients, features]`, about unit variance."""
    substrate = gain * cohort.vulnerability + ecg_shift(cohort)
    noise = rng.standard_normal((cohort.size, len(FEATURES)))
    return scores_of(substrate, noise, loadings)


def scores_of(substrate: FloatArray, noise: FloatArray, loadings: Loadings = ALL) -> FloatArray:
    """Return the scores `[patients, features]` of a substrate `[patients]` and standard noise."""
    return substrate[:, None] * loadings.values + noise * np.sqrt(loadings.noise_variance)


def substrate_estimate(scores: FloatArray, loadings: Loadings = ALL) -> FloatArray:
    """Return the sufficient statistic of `[patients, features]` scores for `u`, `[patients]`.

    Given `u` the scores are independent Gaussians, so the precision-weighted mean of `z_k / a_k`
    carries all they say; its error has the variance `ESTIMATE_VARIANCE`.
    """
    seen = loadings.values > 0
    single = np.divide(scores, loadings.values, out=np.zeros_like(scores), where=seen)
    return single @ loadings.precision / loadings.precision.sum()


def estimate_weights(loadings: Loadings = ALL) -> FloatArray:
    """Return the weight of each score in `substrate_estimate`, `[features]`."""
    weight = loadings.values / loadings.noise_variance
    return weight / loadings.precision.sum()
