"""A figure with its uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

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
        """Return `value (lo to hi)` for print.

        >>> Interval(0.81234, 0.7, 0.9, 2000, 0, "percentile").text()
        '0.812 (0.700 to 0.900)'
        """
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


def percentile(value: float, draws: FloatArray, *, level: float, method: str) -> Interval:
    """Return the central percentile interval (Efron 1981) of `draws` `[N]`, NaN ones left out."""
    defined = draws[~np.isnan(draws)]
    undefined = int(draws.size - defined.size)
    lo, hi = np.nan, np.nan
    if defined.size:
        tail = (1 - level) / 2
        lo, hi = (float(bound) for bound in np.quantile(defined, [tail, 1 - tail]))
    return Interval(value, lo, hi, int(draws.size), undefined, method)
