"""The report of an explanation as files: one page, its pictures, its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.core.report.section import Notice, Section
from components.core.store import Workspace
from components.explain.page import Head, Record, render_page

PAGE, PLOTS = "report.html", "plots"


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
    """Write the page, and its pictures beside it."""
    work.path(PLOTS).mkdir(exist_ok=True)
    for own in (*told.sections, *told.records):
        for plot in own.plots:
            work.path(PLOTS, f"{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
    page = render_page(
        head=told.head,
        notices=told.notices,
        faithfulness=told.checks,
        cohort=told.cohort,
        records=told.records,
    )
    work.path(PAGE).write_text(page, encoding="utf-8")


def figures_of(sections: Sequence[Section]) -> dict[str, float]:
    """Return name in the tracking store → value, bounds as `_lo` and `_hi`, of all sections."""
    found: dict[str, float] = {}
    for section in sections:
        for name, interval in section.figures.items():
            bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
            found |= {f"explain/{name}{end}": v for end, v in bounds if not math.isnan(v)}
    return found
