"""The true P(abnormal | noise-free informative features) per input set, in closed form.

Given the tabular columns, what picture and sound show is Gaussian: `v` and `q` seen with known
errors (`disease.NOISE`), so the liability is Gaussian and P(abnormal) one normal integral. Without
the tabular columns it is averaged over a reference population, weighted by each member's
likelihood of what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from components.core.modalities import MODALITIES
from components.ingest.synthetic.cohort import Cohort, FloatArray, draw_reference
from components.ingest.synthetic.mechanism import ecg_shift
from components.ingest.synthetic.media.disease import NOISE, PRIOR, Disease

BoolArray = npt.NDArray[np.bool_]

HEAD = "abnormal"
# In the order of `core.modalities.MODALITIES`, in which the names of input sets are built, too.
INPUTS = tuple(name for name in MODALITIES if name in {"tabular", "ecg_image", "pcg"})
SUBSETS: tuple[tuple[str, ...], ...] = tuple(
    subset for size in range(1, len(INPUTS) + 1) for subset in combinations(INPUTS, size)
)
# Rows of `disease.NOISE` that each input shows.
_SEES = {"tabular": (), "ecg_image": (0,), "pcg": (1, 2)}
# Which latent each row is of, and whether the shift by the tabular columns is added to it.
_DESIGN = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
_SHIFTED = np.array([1.0, 1.0, 0.0])
# The averages move by less than 2e-3 beyond this many reference patients; people per step.
_REFERENCE, _STEP = 4_000, 500
# A clinical variable that carries nearly everything leaves doubts smaller than a number can hold.
_NEAREST = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What is to be seen of some patients without noise.

    Attributes:
        cohort: the tabular columns.
        estimates: `[patients, 3]` of `u` by the ECG, of `u` by the third sound, of `q`.
        there: input → `[patients]` whether the patient has it.
    """

    cohort: Cohort
    estimates: FloatArray
    there: dict[str, BoolArray]


class MediaOracle:
    """The true probabilities under a mechanism."""

    def __init__(self, disease: Disease, *, reference: int = _REFERENCE) -> None:
        people = draw_reference(reference)
        self._disease = disease
        self._people = (disease.tabular(people), ecg_shift(people))

    def probabilities(self, seen: Seen) -> dict[str, FloatArray]:
        """Return P(abnormal | inputs), each `[patients]`, under the inputs' names joined by `_`.

        An input that a patient lacks says nothing: the probability is that of the others, and of
        none the prevalence. That an input is absent depends on tabular columns only.
        """
        exact = {
            subset: np.clip(self._given(seen, subset), _NEAREST, 1.0 - _NEAREST)
            for subset in ((), *SUBSETS)
        }
        return {"_".join(subset): _of_what_is_there(seen, subset, exact) for subset in SUBSETS}

    def _given(self, seen: Seen, subset: tuple[str, ...]) -> FloatArray:
        """Return P(abnormal | all of `subset`), `[patients]`."""
        rows = [row for name in subset for row in _SEES[name]]
        gain, spread, precision = _posterior(self._disease, rows)
        estimates = seen.estimates[:, rows]
        if "tabular" in subset:
            tabular, shift = self._disease.tabular(seen.cohort), ecg_shift(seen.cohort)
            residual = estimates - shift[:, None] * _SHIFTED[rows]
            return ndtr((tabular - self._disease.threshold + residual @ gain) / spread)
        starts = range(0, len(estimates), _STEP)
        return np.concatenate(
            [self._averaged(estimates[i : i + _STEP], rows, (gain, spread, precision))
             for i in starts]
        )  # fmt: skip

    def _averaged(
        self,
        estimates: FloatArray,
        rows: list[int],
        posterior: tuple[FloatArray, float, FloatArray],
    ) -> FloatArray:
        """Return the mean over the reference population, weighted by the estimates' likelihood."""
        gain, spread, precision = posterior
        tabular, shift = self._people
        residual = estimates[:, None, :] - shift[:, None] * _SHIFTED[rows]
        weight = np.exp(-0.5 * np.einsum("npi,ij,npj->np", residual, precision, residual))
        p = ndtr((tabular - self._disease.threshold + residual @ gain) / spread)
        return (weight * p).sum(axis=1) / weight.sum(axis=1)


def _posterior(disease: Disease, rows: list[int]) -> tuple[FloatArray, float, FloatArray]:
    """Return what the liability gains per estimate, its SD, and the estimates' precision matrix.

    The linear Gaussian model: estimates = design @ (v, q) + noise.
    """
    design, noise = _DESIGN[rows], np.diag(NOISE[rows])
    precision = np.linalg.inv(design @ PRIOR @ design.T + noise)
    gain = PRIOR @ design.T @ precision
    left = PRIOR - gain @ design @ PRIOR
    spread = float(np.sqrt(1.0 + disease.beta @ left @ disease.beta))
    return disease.beta @ gain, spread, precision


def _of_what_is_there(
    seen: Seen, subset: tuple[str, ...], exact: dict[tuple[str, ...], FloatArray]
) -> FloatArray:
    result = np.empty(seen.cohort.size)
    for own in ((), *SUBSETS):
        if set(own) <= set(subset):
            rows = np.ones(seen.cohort.size, dtype=np.bool_)
            for name in subset:
                rows &= seen.there[name] == (name in own)
            result[rows] = exact[own][rows]
    return result
