"""What makes a heart abnormal, and what picture, sound and table show of it.

`eta = tabular + beta_v * v + beta_q * q + e`, abnormal where `eta > threshold`; `e ~ N(0, 1)`. `v`
is the patient's myocardial vulnerability, which the therapy part's ECG shows: `u = v +
shift(tabular)` through five morphology scores. `q = RHO * v + sqrt(1 - RHO^2) * w` is leakage of
the mitral valve: a weak myocardium makes the valve leak. The murmur's intensity shows `q`, the
third sound `u`, each through one score `z = a * latent + sqrt(1 - a^2) * N(0, 1)`. The sizes were
set by simulation to the AUROCs of `docs/multimodal_synthetic.md`; they are no estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr

from components.ingest.synthetic.cohort import Cohort, FloatArray, draw_reference
from components.ingest.synthetic.mechanism import ESTIMATE_VARIANCE, ecg_shift, tabular_units
from components.ingest.synthetic.options import SyntheticOptions

# Liability per unit of each column (units as in `mechanism.tabular_units`; `lvef_baseline` per
# 5 points below 62).
CLINICAL = {
    "age": 0.42,
    "bmi": 0.20,
    "hypertension": 0.47,
    "diabetes": 0.58,
    "prior_hf": 1.05,
    "lvef_baseline": 0.47,
}
# One variable that tells more than the others, and leaves them enough to be worth learning.
DOMINANT = {"lvef_baseline": 2.0}
LVEF_CENTRE, LVEF_POINTS = 62.0, 5.0
# Correlation of the valve's leakage with the myocardial vulnerability.
RHO = 0.30
# Loadings of the murmur's intensity on `q` and of the third sound on `u`.
MURMUR_LOADING, S3_LOADING = 0.85, 0.50
# Patients over whom the threshold is set; the prevalence is met to 0.005.
_REFERENCE = 20_000


def error_variance(loading: float) -> float:
    """Return the variance of `z / loading` about its latent."""
    return (1.0 - loading**2) / loading**2


# Variances of what is seen about its latent: `u` by the ECG, `u` by the third sound, `q` by the
# murmur.
NOISE = np.array([ESTIMATE_VARIANCE, error_variance(S3_LOADING), error_variance(MURMUR_LOADING)])


@dataclass(frozen=True, kw_only=True)
class Disease:
    """The strengths that options can change.

    Attributes:
        clinical: liability per unit of each clinical column.
        beta_v: liability per SD of `v`.
        beta_q: liability per SD of `q`.
        threshold: liability above which a heart is abnormal.
    """

    clinical: dict[str, float] = field(default_factory=lambda: dict(CLINICAL))
    beta_v: float = 0.50
    beta_q: float = 0.75
    threshold: float = 0.0

    @classmethod
    def of(cls, options: SyntheticOptions) -> Disease:
        """Return the mechanism that `options` ask for, at the prevalence they ask for."""
        plain = cls()
        if options.dominant == "clinical":
            plain = cls(clinical=dict(DOMINANT), beta_v=0.70, beta_q=1.00)
        people = draw_reference(_REFERENCE)
        return cls(
            clinical=plain.clinical,
            beta_v=plain.beta_v,
            beta_q=plain.beta_q,
            threshold=plain.threshold_at(options.media_prevalence, people),
        )

    @property
    def beta(self) -> FloatArray:
        """Return `[2]` liability per SD of `v` and `q`."""
        return np.array([self.beta_v, self.beta_q])

    def tabular(self, cohort: Cohort) -> FloatArray:
        """Return the tabular part of the liability, `[patients]`."""
        units = tabular_units(cohort) | {
            "lvef_baseline": (LVEF_CENTRE - cohort.lvef_baseline) / LVEF_POINTS
        }
        parts = [size * units[name] for name, size in self.clinical.items()]
        return np.asarray(np.sum(parts, axis=0), np.float64)

    def threshold_at(self, prevalence: float, people: Cohort) -> float:
        """Return the threshold above which the share `prevalence` of `people` lies."""
        mean, spread = self.tabular(people), float(np.sqrt(1.0 + self.beta @ PRIOR @ self.beta))

        def excess(threshold: float) -> float:
            return float(ndtr((mean - threshold) / spread).mean()) - prevalence

        reach = 10.0 * spread
        return float(brentq(excess, mean.min() - reach, mean.max() + reach))


# Covariance of `v` and `q`.
PRIOR = np.array([[1.0, RHO], [RHO, 1.0]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Condition:
    """The hearts of some patients, each field `[patients]`.

    Attributes:
        valve: leakage `q`, standard normal.
        murmur: score of the murmur's intensity, standard normal.
        s3: score of the third sound, about unit variance.
        abnormal: the label.
    """

    valve: FloatArray
    murmur: FloatArray
    s3: FloatArray
    abnormal: npt.NDArray[np.bool_]


def draw_condition(cohort: Cohort, disease: Disease, rng: np.random.Generator) -> Condition:
    """Draw valve, sound scores and label of every patient."""
    own, murmur, s3, chance = rng.standard_normal((4, cohort.size))
    valve = RHO * cohort.vulnerability + np.sqrt(1.0 - RHO**2) * own
    liability = disease.tabular(cohort) + chance
    liability += disease.beta_v * cohort.vulnerability + disease.beta_q * valve
    return Condition(
        valve=valve,
        murmur=_score(valve, murmur, MURMUR_LOADING),
        s3=_score(cohort.vulnerability + ecg_shift(cohort), s3, S3_LOADING),
        abnormal=liability > disease.threshold,
    )


def _score(latent: FloatArray, noise: FloatArray, loading: float) -> FloatArray:
    return loading * latent + np.sqrt(1.0 - loading**2) * noise
