"""The report of an explanation as files: one page, its pictures, its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from components.core.report.page import environment, image
from components.core.report.section import Notice, Section
from components.core.store import Workspace

PAGE, PLOTS = "report.html", "plots"


def write_report(
    work: Workspace,
    *,
    title: str,
    subtitle: str,
    notices: Sequence[Notice],
    sections: Sequence[Section],
) -> None:
    """Write the page and its pictures.

    Args:
        work: receives them.
        title: what is explained.
        subtitle: on which records.
        notices: sentences at the top, those of the sections after these.
        sections: in order.
    """
    work.path(PLOTS).mkdir(exist_ok=True)
    for plot in (each for section in sections for each in section.plots):
        work.path(PLOTS, f"{plot.name}.svg").write_text(plot.svg, encoding="utf-8")
    every = [*notices, *(notice for section in sections for notice in section.notices)]
    page = environment(Path(__file__).parent).get_template("plain.html.j2")
    text = page.render(
        title=title, subtitle=subtitle, notices=every, sections=sections, image=image,
        entries=[(each.name, each.title) for each in sections],
    )  # fmt: skip
    work.path(PAGE).write_text(text, encoding="utf-8")


def figures_of(sections: Sequence[Section]) -> dict[str, float]:
    """Return name in the tracking store → value, bounds as `_lo` and `_hi`, of all sections."""
    found: dict[str, float] = {}
    for section in sections:
        for name, interval in section.figures.items():
            bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
            found |= {f"explain/{name}{end}": v for end, v in bounds if not math.isnan(v)}
    return found
