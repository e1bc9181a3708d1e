"""A table of the page and the same figures as rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.metrics.interval import Interval
from components.core.report.section import Table
from components.explain.sequences import by_risk
from components.explain.sequences.by_risk import Figure, Stays
from components.explain.sequences.risk import LEAST, WORDS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """Means over stays.

    Attributes:
        table: for the page.
        frame: its rows and those that the page leaves out, with all groups.
        kept: column of each figure: those that some stay has.
        found: of each column kept, by group.
    """

    table: Table
    frame: pd.DataFrame
    kept: tuple[int, ...]
    found: tuple[dict[str, Figure], ...]

    def intervals(self) -> dict[int, Interval]:
        """Return column → mean over all stays with its interval, of columns that some stay has."""
        pairs = zip(self.kept, self.found, strict=True)
        return {column: own[by_risk.ALL].interval for column, own in pairs}


def told(
    values: Floats,
    labels: Sequence[dict[str, str]],
    of: Stays,
    *,
    figure: str,
    caption: str,
    digits: int = 3,
    note: str = "",
    most: int | None = None,
) -> Told:
    """Return the means of columns over all stays and by risk.

    Args:
        values: `[n, G]`; NaN where a stay has none.
        labels: of each column, the same keys in all; columns that no stay has are left out.
        of: the stays.
        figure: what the figures are, a cell of the frame.
        caption: of the table.
        digits: of its cells.
        note: below it.
        most: rows on the page, those with the largest mean magnitude; None for all, in order.
    """
    kept = np.flatnonzero(np.isfinite(values).any(axis=0)).tolist()
    found = by_risk.figures(values[:, kept], of)
    own = [{**labels[k], "figure": figure} for k in kept]
    order = list(range(len(kept)))
    if most is not None:
        order = sorted(order, key=lambda k: -abs(found[k][by_risk.ALL].interval.value))[:most]
    rows = tuple(
        (" · ".join(labels[kept[k]].values()), *by_risk.cells(found[k], digits)) for k in order
    )
    header = (" · ".join(labels[0]) if labels else "", *by_risk.HEADER)
    return Told(
        table=Table(caption, header, rows, note),
        frame=by_risk.frame(own, found),
        kept=tuple(kept),
        found=tuple(found),
    )


def grouped(of: Stays) -> str:
    """Return how the columns of the tables come about."""
    if len(of.log_odds) < LEAST:
        return f"Fewer than {LEAST} stays are not parted by risk."
    return (
        f"In the tables high risk against low: {WORDS}. Intervals of 95 % by bootstrap over "
        "patients; figures of one patient have none."
    )
