"""The report as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import ConfigError, nearest
from components.core.report.page import environment, image
from components.evaluate.report import tables, verdict, wording
from components.evaluate.report.answers import entries as items
from components.evaluate.report.data import ReportData

TEMPLATE = "template.html.j2"
# Plots that the page has a place for, and what they show to a reader who cannot see them.
PLOTS = {
    "roc": "ROC curve with its band: sensitivity against 1 − specificity",
    "pr": "Precision–recall curve with its band: PPV against sensitivity",
    "calibration": "Observed share with event against predicted risk, and the spread of risks",
    "comparison": "Headline figure with interval for this model and the simple models",
}


def render_html(data: ReportData) -> str:
    """Return the page: one file that loads nothing; its script adds, and nothing needs it.

    Raises:
        ConfigError: a plot that the page has no place for, an unknown metric, or a statement for an
            item that does not exist.
        CardioError: not exactly one evaluated split, or no headline figure.
    """
    for name in data.plots:
        if name not in PLOTS:
            raise ConfigError(f"the report has no place for plot '{name}'; {nearest(name, PLOTS)}")
    checklist = items(data)
    return environment(Path(__file__).parent).get_template(TEMPLATE).render(
        data=data,
        headline=wording.headline(data),
        tiles=verdict.tiles(data),
        notices=wording.notices(data),
        not_for_clinical_use=wording.NOT_FOR_CLINICAL_USE,
        entries=contents(data),
        in_a_thousand=wording.out_of_a_thousand(data),
        undefined_note=wording.undefined_note(data.figures),
        open_items=[each.item for each in checklist if each.answer is None],
        item_count=len(checklist),
        config=list(wording.flat(data.config)),
        image=image,
        images={name: image(svg) for name, svg in data.plots.items()},
        alt={name: f"{text}. The figures are in the tables." for name, text in PLOTS.items()},
        tables=tables,
    )  # fmt: skip


def contents(data: ReportData) -> list[tuple[str, str]]:
    """Return anchor and title of each section, in the page's order."""
    found = [
        ("what", "What is predicted"),
        ("performance", "Performance"),
        ("baselines", "Against simple models"),
        ("calibration", "Calibration"),
        *((section.name, section.title) for section in data.sections),
    ]
    if data.per_fold:
        found.append(("folds", "Folds and repeats"))
    if data.oracle:
        found.append(("oracle", "The planted signal"))
    ends = [("audit", "Leakage audit"), ("open", "What is open"), ("origin", "Origin")]
    return [*found, *ends]
