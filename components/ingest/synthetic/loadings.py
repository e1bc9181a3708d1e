"""How strongly each morphology score of the ECG shows the substrate `u`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Loading of each morphology score on `u`; the rest of its unit variance is idiosyncratic.
LOADING = {
    "r_amplitude": 0.75,
    "r_progression": 0.72,
    "qrs_width": 0.75,
    "t_v5v6": 0.78,
    "qtc": 0.68,
}
FEATURES = tuple(LOADING)


@dataclass(frozen=True, eq=False)
class Loadings:
    """A choice of the scores that see `u`.

    Attributes:
        values: `[features]` correlation of each score with `u`, in the order of `FEATURES`; 0 for
            a score that varies on its own.
    """

    values: FloatArray

    @classmethod
    def of(cls, names: tuple[str, ...]) -> Loadings:
        """Return the loadings where only the named scores see `u`; no name stands for all.

        Together they carry the precision that all five carry by default, so that the best
        possible AUROC stays: each chosen precision `a² / (1 - a²)` is raised by the same factor.
        """
        default = np.array(list(LOADING.values()))
        if not names:
            return cls(default)
        chosen = np.array([name in names for name in FEATURES])
        precision = _precision(default)
        raised = chosen * precision * (precision.sum() / precision[chosen].sum())
        return cls(np.sqrt(raised / (1.0 + raised)))

    @property
    def noise_variance(self) -> FloatArray:
        """Return the idiosyncratic variance of each score, `[features]`."""
        return 1.0 - self.values**2

    @property
    def precision(self) -> FloatArray:
        """Return what each score adds to the precision of the estimate of `u`, `[features]`."""
        return _precision(self.values)

    def told(self) -> dict[str, dict[str, float]]:
        """Return what `truth.json` says of each score."""
        return {
            name: {"loading": round(float(value), 6)}
            for name, value in zip(FEATURES, self.values, strict=True)
        }


def _precision(loading: FloatArray) -> FloatArray:
    return loading**2 / (1.0 - loading**2)


# All five, as the task's cohort has them.
ALL = Loadings.of(())
