"""The report of an explanation as files: one page, its pictures, its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from components.core.report.section import Notice, Section
from components.core.store import Workspace
from components.explain.page import Head, Record, render_page

PAGE, PLOTS, TABLES = "report.html", "plots", "tables"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the page says.

    Attributes:
        head: what it is about.
        notices: sentences at the top, those of the sections after these.
        checks: sections on whether the explanation can be trusted.
        cohort: sections on all records together.
        records: single ones.
    """

    head: Head
    notices: Sequence[Notice]
    checks: Sequence[Section]
    cohort: Sequence[Section]
    records: Sequence[Record]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Return all sections in the page's order."""
        return (*self.checks, *self.cohort)

    @property
    def limits(self) -> tuple[Notice, ...]:
        """Return every sentence at the top."""
        return (*self.notices, *(each for own in self.sections for each in own.notices))


def write_report(work: Workspace, told: Told) -> None:
    """Write the page, and its pictures and tables beside it."""
    work.path(PLOTS).mkdir(exist_ok=True)
    for own in (*told.sections, *told.records):
        for plot in own.plots:
            work.path(PLOTS, f"{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
            if plot.png:
                work.path(PLOTS, f"{plot.name}.png").write_bytes(plot.png)
    for name, frame in kept(told.sections).items():
        frame.to_parquet(work.path(TABLES, f"{name}.parquet"), index=False)
    page = render_page(
        head=told.head,
        notices=told.notices,
        faithfulness=told.checks,
        cohort=told.cohort,
        records=told.records,
    )
    work.path(PAGE).write_text(page, encoding="utf-8")


def kept(sections: Sequence[Section]) -> dict[str, pd.DataFrame]:
    """Return the tables that stand beside the page, by name."""
    return {name: frame for own in sections for name, frame in own.kept.items()}


def tables_of(sections: Sequence[Section]) -> list[str]:
    """Return the files of these tables."""
    return [f"{TABLES}/{name}.parquet" for name in kept(sections)]


def figures_of(sections: Sequence[Section]) -> dict[str, float]:
    """Return name in the tracking store → value, bounds as `_lo` and `_hi`, of all sections."""
    found: dict[str, float] = {}
    for section in sections:
        for name, interval in section.figures.items():
            bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
            found |= {f"explain/{name}{end}": v for end, v in bounds if not math.isnan(v)}
    return found
