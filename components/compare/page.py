"""The comparison as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.core.report.page import environment, image
from components.core.report.section import Notice, Section

TEMPLATE = "page.html.j2"


def render_page(
    *, title: str, verdicts: Sequence[str], notices: Sequence[Notice], sections: Sequence[Section]
) -> str:
    """Return the page: one file that loads nothing and says all of it without its script, too.

    Args:
        title: what the models predict.
        verdicts: the first lines, one per pair.
        notices: sentences under them.
        sections: the rest.
    """
    template = environment(Path(__file__).parent).get_template(TEMPLATE)
    return template.render(
        title=title, verdicts=verdicts, notices=notices, sections=sections, image=image,
        entries=[(each.name, each.title) for each in sections],
    )  # fmt: skip
