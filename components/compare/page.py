"""The comparison as one self-contained page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from components.core.report.section import Notice, Section

TEMPLATE = "page.html.j2"


def render_page(
    *, title: str, verdicts: Sequence[str], notices: Sequence[Notice], sections: Sequence[Section]
) -> str:
    """Return the page: one file, no script, nothing loaded from elsewhere.

    Args:
        title: what the models predict.
        verdicts: the first lines, one per pair.
        notices: sentences under them.
        sections: the rest.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        title=title, verdicts=verdicts, notices=notices, sections=sections, image=_image
    )


def _image(svg: str) -> str:
    """Return an image address: inside `img` an SVG can neither run a script nor load a file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
