"""A figure with its uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri, stdtrit

from components.core.metrics.checks import FloatArray


@dataclass(frozen=True)
class Interval:
    """A point value and the bounds of its interval.

    Attributes:
        value: the figure on the sample itself; NaN where undefined.
        lo: lower bound; NaN where no draw defines the figure.
        hi: upper bound.
        n_draws: draws made.
        undefined: draws in which the figure was undefined (a class was missing, say); the bounds
            are those of the others.
        method: how the interval came about, in words for the report.
    """

    value: float
    lo: float
    hi: float
    n_draws: int
    undefined: int
    method: str

    def text(self, digits: int = 3) -> str:
        """Return `value (lo to hi)` for print, or `undefined` where nothing is defined.

        >>> Interval(0.81234, 0.7, 0.9, 2000, 0, "percentile").text()
        '0.812 (0.700 to 0.900)'
        >>> Interval(np.nan, np.nan, np.nan, 2, 2, "").text()
        'undefined'
        """
        if np.isnan([self.value, self.lo, self.hi]).all():
            return number(np.nan)
        return (
            f"{number(self.value, digits)} ({number(self.lo, digits)} to {number(self.hi, digits)})"
        )

    def to_dict(self) -> dict[str, float | int | str]:
        """Return the fields for JSON or a tracking server."""
        return asdict(self)


def number(value: float, digits: int = 3) -> str:
    """Return `value` with `digits` decimals and a true minus sign, or `undefined`.

    >>> number(-0.0004), number(float("nan"))
    ('0.000', 'undefined')
    """
    if np.isnan(value):
        return "undefined"
    text = f"{value:.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if float(text) == 0 else f"−{text[1:]}"
    return text


def percentile(
    value: float,
    draws: FloatArray,
    *,
    level: float,
    method: str,
    patients: int | None = None,
    groups: int = 1,
) -> Interval:
    """Return the central percentile interval (Efron 1981) of `draws` `[N]`, NaN ones left out.

    Args:
        value: the figure on the sample itself.
        draws: `[N]` the figure in each draw.
        level: nominal coverage, 0.95 for 95 %.
        method: words for the report.
        patients: how many the figure rests on, to expand the interval by `expanded_tail`; None
            for the plain percentiles.
        groups: that the patients were compared within, each with its own mean.
    """
    defined = draws[~np.isnan(draws)]
    undefined = int(draws.size - defined.size)
    lo, hi = np.nan, np.nan
    if defined.size:
        tail = (
            (1 - level) / 2 if patients is None else expanded_tail(level, patients, groups=groups)
        )
        lo, hi = (float(bound) for bound in np.quantile(defined, [tail, 1 - tail]))
    return Interval(value, lo, hi, int(draws.size), undefined, method)


def on_logit_scale(
    value: float, draws: FloatArray, *, level: float, method: str, patients: int
) -> Interval | None:
    """Return logit⁻¹(logit(value) ± t·SE), SE of the draws' logits; None where one has no logit.

    For an area under a curve near its bound of 1: percentiles lean the wrong way there, since draws
    scatter downwards when the figure is high (Pepe 2003, chapter 5; Qin and Hotilovac 2008, Stat
    Methods Med Res 17:207). t and its degrees of freedom as in `expanded_tail`.

    Args:
        value: the figure on the sample itself, in [0, 1].
        draws: `[N]` the figure in each draw; NaN ones are left out.
        level: nominal coverage.
        method: words for the report.
        patients: how many the figure rests on.
    """
    defined = draws[~np.isnan(draws)]
    inside = np.concatenate([[value], defined])
    if patients < 2 or defined.size < 2 or not ((inside > 0) & (inside < 1)).all():
        return None
    logits = np.log(inside) - np.log1p(-inside)
    factor = -float(ndtri(expanded_tail(level, patients)))
    reach = factor * float(logits[1:].std(ddof=1))
    lo, hi = (float(expit(logits[0] + side * reach)) for side in (-1, 1))
    return Interval(value, lo, hi, int(draws.size), int(draws.size - defined.size), method)


def centred(value: float, draws: FloatArray) -> FloatArray:
    """Return draws `[N]` of a figure that is never negative, moved so that their mean is `value`.

    A draw's absolute gaps hold the chance of the sample and that of the draw, so their mean lies
    above the sample's own, and plain percentiles may lie above it as a whole. What spreads the
    draws is kept; what the sample's own chance adds to the figure is not taken off.
    """
    if np.isnan(draws).all():
        return draws
    return np.maximum(draws + (value - float(np.nanmean(draws))), 0.0)


def expanded_tail(level: float, patients: int, *, groups: int = 1) -> float:
    """Return the share of draws to be left out at either end (Hesterberg 2015).

    Plain percentiles are too narrow where few patients carry a figure: the bootstrap's variance is
    short by (n − 1)/n, and a normal quantile stands where Student's belongs. So the tail is
    Φ(−t·√(n/(n − 1))) with t of n − 1 degrees of freedom. With one patient or none it is 0: the
    whole range of the draws. Patients compared within `g` groups (the folds of a cross-validation)
    scatter about `g` means instead of one, which takes g from n in both places.

    Hesterberg, T. C. (2015). What teachers should know about the bootstrap. The American
    Statistician 69(4), 371–386.

    >>> round(expanded_tail(0.95, 30), 4), round(expanded_tail(0.95, 100_000), 4)
    (0.0188, 0.025)
    """
    freedom = patients - groups
    if freedom < 1:
        return 0.0
    t = float(stdtrit(freedom, (1 - level) / 2))
    return float(ndtr(t * np.sqrt(patients / freedom)))
