"""A linear Gaussian model of several modalities, and what is best said of one from others.

A patient has factors `f ~ N(0, I)` `[L]`; modality m shows `x_m = mean_m + loadings_m f + e`, with
`e ~ N(0, noise_m / quality)` entry by entry. Everything is Gaussian, so what other modalities tell
of one that is hidden is known exactly: its conditional mean has the least mean squared error that
any imputation can have. One modality may be recorded in dependence on the factors (a probit:
recorded where `intercept + weights f + N(0, 1) > 0`); that it is there, or not, then tells of the
factors, too. The mean and variance under that are those of an extended skew-normal distribution
(Azzalini and Capitanio, The Skew-Normal and Related Families, 2014, chapter 5).

Letters: n patients, W width of a modality, L factors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from components.core.errors import InputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# Patients per step: their covariances of 60 factors are 30 MB.
_STEP = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class PlantedModality:
    """How a modality shows the factors, in the units of its file.

    Attributes:
        mean: `[W]`.
        loadings: `[W, L]`.
        noise: `[W]` variance of each entry's own noise at quality 1.
    """

    mean: Floats
    loadings: Floats
    noise: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class NotAtRandom:
    """A modality that is recorded where `intercept + weights f + N(0, 1) > 0`.

    Attributes:
        modality: its name.
        intercept: of the probit.
        weights: `[L]`.
    """

    modality: str
    intercept: float
    weights: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class PlantedFactors:
    """The joint distribution of a cohort's modalities.

    Attributes:
        modalities: name → how it shows the factors.
        risks: endpoint → `[L]` log hazard ratio per factor.
        missing: the modality that is not missing at random; None where all are.
    """

    modalities: Mapping[str, PlantedModality]
    risks: Mapping[str, Floats]
    missing: NotAtRandom | None = None

    @property
    def size(self) -> int:
        """Return the number of factors."""
        return next(iter(self.modalities.values())).loadings.shape[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What is seen of some patients.

    Attributes:
        values: modality → `[n, W]` in the units of its file; a row with a NaN is hidden or absent.
            A modality that is left out is looked at in nobody.
        quality: modality → `[n]` in (0, 1]; one that is left out has quality 1.
        recorded: modality → `[n]` whether it was recorded, which a hidden one was; one that is
            left out was recorded where it has values.
    """

    values: Mapping[str, Floats]
    quality: Mapping[str, Floats]
    recorded: Mapping[str, Flags]

    @classmethod
    def of(
        cls,
        values: Mapping[str, Floats],
        *,
        quality: Mapping[str, Floats] | None = None,
        recorded: Mapping[str, Flags] | None = None,
    ) -> Seen:
        """Return what is seen, with quality 1 and records where values are unless told."""
        return cls(values=values, quality=quality or {}, recorded=recorded or {})

    def there(self, name: str) -> Flags:
        """Return `[n]` whether values of the modality are seen."""
        return np.asarray(~np.isnan(self.values[name]).any(axis=1), np.bool_)

    def take(self, rows: slice) -> Seen:
        """Return what is seen of some of the patients."""
        return Seen(
            values={name: each[rows] for name, each in self.values.items()},
            quality={name: each[rows] for name, each in self.quality.items()},
            recorded={name: each[rows] for name, each in self.recorded.items()},
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """Mean and covariance of linear functions of the factors, given what is seen.

    Attributes:
        mean: `[n, R]`.
        covariance: `[n, R, R]`.
    """

    mean: Floats
    covariance: Floats


def gaussian(planted: PlantedFactors, seen: Seen, rows: Floats) -> Known:
    """Return what the values alone tell of `rows` `[R, L]` times the factors.

    Exactly Gaussian. Which modalities were recorded is not taken into account; `expected` does.
    """
    parts = [_gaussian(planted, each, rows) for each in _steps(seen)]
    return Known(
        mean=np.concatenate([each.mean for each in parts]),
        covariance=np.concatenate([each.covariance for each in parts]),
    )


def expected(planted: PlantedFactors, name: str, seen: Seen) -> tuple[Floats, Floats]:
    """Return mean and SD, each `[n, W]`, of a modality given the others that are seen.

    No imputation has a smaller expected squared error. Values of the modality itself are not
    looked at, but whether it was recorded, where `seen` tells.

    Args:
        planted: the joint distribution.
        name: the modality that is asked for.
        seen: of the patients.

    Raises:
        InputError: the cohort has no such modality, or nothing else is seen.
    """
    _check(planted, name, seen)
    parts = [_expected(planted, name, each) for each in _steps(seen)]
    return np.concatenate([mean for mean, _ in parts]), np.concatenate([sd for _, sd in parts])


def _check(planted: PlantedFactors, name: str, seen: Seen) -> None:
    for each in (name, *seen.values):
        if each not in planted.modalities:
            raise InputError(
                f"the cohort's truth has no modality '{each}'; it has "
                f"{', '.join(planted.modalities)}"
            )
    if not set(seen.values) - {name}:
        raise InputError(f"nothing but '{name}' itself is seen; give another modality's values")


def _steps(seen: Seen) -> Iterator[Seen]:
    size = len(next(iter(seen.values.values())))
    for start in range(0, size, _STEP):
        yield seen.take(slice(start, start + _STEP))


def _gaussian(planted: PlantedFactors, seen: Seen, rows: Floats) -> Known:
    mean, covariance = _factors(planted, seen)
    return Known(
        mean=mean @ rows.T,
        covariance=np.einsum("ai,nij,bj->nab", rows, covariance, rows, optimize=True),
    )


def _factors(planted: PlantedFactors, seen: Seen) -> tuple[Floats, Floats]:
    """Return `[n, L]` mean and `[n, L, L]` covariance of the factors given the values."""
    precision, pull = _precision(planted, seen)
    covariance = np.linalg.inv(precision)
    return np.einsum("nij,nj->ni", covariance, pull), np.asarray(covariance, np.float64)


def _precision(planted: PlantedFactors, seen: Seen) -> tuple[Floats, Floats]:
    """Return `[n, L, L]` precision of the factors and `[n, L]` precision times mean."""
    size = len(next(iter(seen.values.values())))
    precision = np.tile(np.eye(planted.size), (size, 1, 1))
    pull = np.zeros((size, planted.size))
    for name, values in seen.values.items():
        own = planted.modalities[name]
        weight = seen.there(name) * seen.quality.get(name, np.ones(size))
        per_noise = own.loadings / own.noise[:, None]
        precision += weight[:, None, None] * (own.loadings.T @ per_noise)
        pull += weight[:, None] * (np.nan_to_num(values - own.mean) @ per_noise)
    return precision, pull


def _expected(planted: PlantedFactors, name: str, seen: Seen) -> tuple[Floats, Floats]:
    own, there = planted.modalities[name], seen.there(name) if name in seen.values else None
    others = Seen(
        values={key: each for key, each in seen.values.items() if key != name},
        quality=seen.quality,
        recorded=seen.recorded,
    )
    mean, covariance = _factors(planted, others)
    recorded = _recorded(planted, seen, name, there)
    if planted.missing is not None and recorded is not None:
        mean, covariance = _given_recorded(planted.missing, mean, covariance, recorded)
    quality = seen.quality.get(name, np.ones(len(mean)))
    variance = np.einsum("wi,nij,wj->nw", own.loadings, covariance, own.loadings, optimize=True)
    noise = own.noise / np.where(quality > 0, quality, 1.0)[:, None]
    return own.mean + mean @ own.loadings.T, np.sqrt(variance + noise)


def _recorded(planted: PlantedFactors, seen: Seen, name: str, there: Flags | None) -> Flags | None:
    """Return `[n]` whether the modality not missing at random was recorded; None: not told."""
    if planted.missing is None:
        return None
    told = planted.missing.modality
    if told in seen.recorded:
        return seen.recorded[told]
    if told == name:
        return there
    return seen.there(told) if told in seen.values else None


def _given_recorded(
    missing: NotAtRandom, mean: Floats, covariance: Floats, recorded: Flags
) -> tuple[Floats, Floats]:
    """Return mean and covariance of the factors, given also whether the modality was recorded."""
    along = np.einsum("nij,j->ni", covariance, missing.weights)
    spread = np.sqrt(1.0 + along @ missing.weights)
    sign = np.where(recorded, 1.0, -1.0)
    edge = sign * (missing.intercept + mean @ missing.weights) / spread
    hazard = np.exp(norm.logpdf(edge) - norm.logcdf(edge))
    shift = along / spread[:, None]
    less = hazard * (hazard + edge)
    return (
        mean + (sign * hazard)[:, None] * shift,
        covariance - less[:, None, None] * shift[:, :, None] * shift[:, None, :],
    )
