"""The decision as a table on the terminal and as one self-contained page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from components.core.metrics.interval import number
from components.core.report.page import environment
from components.core.report.section import Notice, Table
from components.promote.run import Verdict

if TYPE_CHECKING:
    from rich.table import Table as RichTable

TEMPLATE = "page.html.j2"
_WORDS = {"passed": "passed", "failed": "FAILED", "info": "for information"}


def render_page(verdict: Verdict, *, title: str, dry: bool) -> str:
    """Return the page: one file that loads nothing and says all of it without a script.

    Args:
        verdict: the decision.
        title: what the model predicts.
        dry: nothing was written to the registry.
    """
    notices = [Notice("note", "A dry run: the registry was left as it was.")] if dry else []
    outcome = "Promoted" if verdict.promoted else "Refused"
    return (
        environment(Path(__file__).parent)
        .get_template(TEMPLATE)
        .render(
            title=title,
            verdict=verdict,
            outcome="Would be " + outcome.lower() if dry else outcome,
            notices=notices,
            criteria=_criteria(verdict),
            gate=_gate(verdict),
        )
    )


def terminal_table(verdict: Verdict) -> RichTable:
    """Return the criteria for the terminal."""
    from rich.table import Table as RichTable
    from rich.text import Text

    title = f"gate of {verdict.model} version {verdict.version}"
    table = RichTable("criterion", "", "found", title=title, show_lines=True)
    for each in verdict.criteria:
        # Not as markup: brackets in a sentence are brackets.
        table.add_row(each.name, _WORDS[each.outcome], Text(each.sentence))
    return table


def _criteria(verdict: Verdict) -> Table:
    rows = tuple(
        (
            each.name.replace("_", " "),
            _WORDS[each.outcome],
            each.sentence,
            ", ".join(f"{key.replace('_', ' ')} {_shown(v)}" for key, v in each.numbers.items()),
        )
        for each in verdict.criteria
    )
    return Table("Criteria", ("Criterion", "Outcome", "Found", "Numbers"), rows)


def _shown(value: float) -> str:
    """Return counts whole, tiny differences in powers of ten, the rest with three decimals."""
    if math.isnan(value):
        return "undefined"
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.1e}" if abs(value) < 1e-3 else number(value)  # three decimals would say 0.000


def _gate(verdict: Verdict) -> Table:
    rows = tuple(
        (f"{section}.{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for section, keys in verdict.gate.model_dump(mode="json").items()
        for key, value in keys.items()
    )
    return Table("The gate's settings", ("Key", "Value"), rows)
