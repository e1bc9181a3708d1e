"""Mending imputations by validation records: how far to trust the mean, how wide the interval is.

Both are learned where present embeddings of validation records are hidden one at a time, and are
applied wherever an imputation is given out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import ndtri

from components.core.config.base import Frozen
from components.core.errors import InputError
from components.core.imputation.vectors import Flags, Floats, Values, Vectors
from components.core.modalities import EmbeddingModality

# Share of entries that an interval is to contain.
LEVEL = 0.9
# With fewer patients the quantile of `widening` is their largest error.
FEWEST = 19
# Standard errors below which a slope counts as chance. With 39 validation patients and one of them
# a modality without any dependence came out 2.9 % worse than its mean (docs/LOG.md).
_ERRORS = 2.0
_TINY = 1e-6


class Mending(Frozen):
    """What validation says of imputing one modality.

    Attributes:
        shrink: what remains of the imputed distance from the training mean: 1 as imputed, 0 the
            training mean itself.
        widen: factor of the stated SD.
        patients: validation patients that both come from; below `FEWEST` there is neither, and the
            training mean is given out with the SD as stated.
        centre: `[W]` the training mean, as z-scores.
    """

    shrink: float = Field(ge=0, le=1)
    widen: float = Field(gt=0)
    patients: int = Field(ge=0)
    centre: tuple[float, ...]

    @property
    def learned(self) -> bool:
        """Return whether there were patients enough to learn from."""
        return self.patients >= FEWEST

    def mean(self, imputed: Floats) -> Floats:
        """Return `[n, W]` imputations drawn towards the training mean."""
        centre = np.asarray(self.centre, np.float64)
        return centre + self.shrink * (imputed - centre)

    def sd(self, stated: Floats) -> Floats:
        """Return `[n, W]` SDs whose normal intervals cover what they say on validation."""
        return self.widen * np.maximum(stated, _TINY)


class Calibration(Frozen):
    """The mendings of a fold's imputations.

    Attributes:
        modalities: modality → its mending.
    """

    modalities: dict[EmbeddingModality, Mending]

    def means(self, imputed: Values) -> dict[EmbeddingModality, Floats]:
        """Return modality → `[n, W]` imputed means as they are given out."""
        return {name: self.modalities[name].mean(own) for name, own in imputed.items()}

    def sds(self, stated: Values) -> dict[EmbeddingModality, Floats]:
        """Return modality → `[n, W]` SDs as they are given out."""
        return {name: self.modalities[name].sd(own) for name, own in stated.items()}


def calibrate(
    truth: Vectors, mean: Values, sd: Values, centre: Values, *, among: Flags
) -> Calibration:
    """Return the mendings that validation records teach.

    Args:
        truth: of the validation records.
        mean: modality → `[n, W]`, each imputed where it alone was hidden.
        sd: likewise, stated.
        centre: modality → `[W]` mean over the training part.
        among: `[n, M]` which pairs were hidden.
    """
    found: dict[EmbeddingModality, Mending] = {}
    for place, name in enumerate(truth.names):
        rows = among[:, place]
        found[name] = _mending(
            truth.entries[name][rows], mean[name][rows], sd[name][rows], centre[name],
            patient=truth.patient[rows],
        )  # fmt: skip
    return Calibration(modalities=found)


def _mending(
    truth: Floats, mean: Floats, sd: Floats, centre: Floats, *, patient: npt.NDArray[np.str_]
) -> Mending:
    patients = len(np.unique(patient))
    own = tuple(centre.tolist())
    if patients < FEWEST:
        return Mending(shrink=0.0, widen=1.0, patients=patients, centre=own)
    shrink = trusted_slope(truth - centre, mean - centre, patient)
    drawn = centre + shrink * (mean - centre)
    widen = widening(truth - drawn, np.maximum(sd, _TINY), patients=patients)
    return Mending(shrink=shrink, widen=widen, patients=patients, centre=own)


def trusted_slope(truth: Floats, imputed: Floats, patient: npt.NDArray[np.str_]) -> float:
    """Return in [0, 1] the least squares slope of the truth on what was imputed, where it is shown.

    Both are distances from the training mean. A slope b of standard error s counts as
    b·(1 − (2s)²/b²), and as 0 below 2s: Breiman's non-negative garrote (Technometrics 37:373,
    1995). Without it a modality that nothing depends on would be given out worse than its mean.

    Args:
        truth: `[n, W]`; NaN entries do not count.
        imputed: `[n, W]`.
        patient: `[n]`; the standard error takes a patient's records together.
    """
    known = np.isfinite(truth)
    product = np.where(known, truth * imputed, 0.0).sum(axis=1)
    square = np.where(known, imputed**2, 0.0).sum(axis=1)
    if not square.sum() > 0:
        return 0.0
    slope = float(product.sum() / square.sum())
    _, number = np.unique(patient, return_inverse=True)
    rest = np.bincount(number, weights=product - slope * square)
    # Of a ratio of sums, by its linear part (Cochran 1977, Sampling Techniques, section 6.4).
    error = float(np.sqrt((rest**2).sum()) / square.sum())
    bar = _ERRORS * error
    return 0.0 if slope <= bar else min(1.0, slope - bar**2 / slope)


def widening(error: Floats, sd: Floats, *, patients: int) -> float:
    """Return what stated SDs are multiplied by so that 90 % of normal intervals hold the truth.

    The quantile of |error|/SD at ⌈(N + 1)·0.9⌉/N over N patients, as in split conformal prediction
    (Lei et al. 2018, J Am Stat Assoc 113:1094), over that of the normal distribution.

    Args:
        error: `[n, W]`; NaN entries do not count.
        sd: `[n, W]`, above 0.
        patients: how many they are of.
    """
    ratio = np.abs(error / sd)
    level = min(1.0, np.ceil((patients + 1) * LEVEL) / patients)
    quantile = float(np.quantile(ratio[np.isfinite(ratio)], level))
    return max(quantile / normal_reach(LEVEL), _TINY)


def normal_reach(level: float) -> float:
    """Return how many SDs to either side hold a share of a normal distribution.

    >>> round(normal_reach(0.9), 3)
    1.645
    """
    return float(ndtri((1 + level) / 2))


def averaged(found: Sequence[Calibration]) -> Calibration:
    """Return the mean mending of several folds, for networks that no validation part was kept from.

    Of a modality, folds with too few patients to learn from do not count, unless all are so.

    Args:
        found: one per fold, of the same modalities.
    """
    mean: dict[EmbeddingModality, Mending] = {}
    for name in found[0].modalities:
        every = [own.modalities[name] for own in found]
        each = [own for own in every if own.learned] or every
        centre = np.mean([own.centre for own in each], axis=0)
        mean[name] = Mending(
            shrink=float(np.mean([own.shrink for own in each])),
            widen=float(np.mean([own.widen for own in each])),
            patients=min(own.patients for own in each),
            centre=tuple(centre.tolist()),
        )
    return Calibration(modalities=mean)


def save(calibration: Calibration, path: Path) -> None:
    """Write as JSON."""
    path.write_text(calibration.model_dump_json(), encoding="utf-8")


def load(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"the calibration of imputations '{path.name}' cannot be read; evaluate again"
        ) from error
