"""The report as one self-contained page."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from components.core.errors import ConfigError, nearest
from components.evaluate.report import tables, wording
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
    """Return the page: one file, no script, nothing loaded from elsewhere.

    Raises:
        ConfigError: a plot that the page has no place for, or an unknown metric.
        CardioError: not exactly one evaluated split, or no headline figure.
    """
    for name in data.plots:
        if name not in PLOTS:
            raise ConfigError(f"the report has no place for plot '{name}'; {nearest(name, PLOTS)}")
    return _environment().get_template(TEMPLATE).render(
        data=data,
        headline=wording.headline(data),
        key_figures=wording.key_figures(data),
        notices=wording.notices(data),
        not_for_clinical_use=wording.NOT_FOR_CLINICAL_USE,
        in_a_thousand=wording.out_of_a_thousand(data),
        undefined_note=wording.undefined_note(data.figures),
        config=list(wording.flat(data.config)),
        image=_image,
        images={name: _image(svg) for name, svg in data.plots.items()},
        alt={name: f"{text}. The figures are in the tables." for name, text in PLOTS.items()},
        tables=tables,
    )  # fmt: skip


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _image(svg: str) -> str:
    """Return an image address: inside `img` an SVG can neither run a script nor load a file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
