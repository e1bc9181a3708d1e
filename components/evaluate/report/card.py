"""The model card, arranged by the items of TRIPOD+AI; what a run cannot answer stays open.

As Markdown, to be read raw, and as a page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from components.core.report.page import environment
from components.core.report.section import Table
from components.evaluate.report import card_wording, wording
from components.evaluate.report.answers import Entry, entries
from components.evaluate.report.data import ReportData

TEMPLATE, PAGE = "model_card.md.j2", "model_card.html.j2"
_FOLDER = Path(__file__).parent


def render_card(data: ReportData) -> str:
    """Return the model card as Markdown.

    Raises:
        ConfigError: a statement for an item that does not exist.
        CardioError: not exactly one evaluated split, or no headline figure.
    """
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return made.get_template(TEMPLATE).render(markdown=_table, **_content(data))


def render_card_page(data: ReportData) -> str:
    """Return the same card as one self-contained page; errors as in `render_card`."""
    return environment(_FOLDER).get_template(PAGE).render(**_content(data))


def _content(data: ReportData) -> dict[str, Any]:
    found = entries(data)
    return {
        "data": data,
        "headline": wording.headline(data),
        "key_figures": wording.key_figures(data),
        "notices": wording.notices(data),
        "not_for_clinical_use": wording.NOT_FOR_CLINICAL_USE,
        "intended_use": card_wording.intended_use(data),
        "audit_result": card_wording.audit_result(data),
        "failures": card_wording.known_failures(data),
        "entries": found,
        "parts": _by_part(found),
        "open_items": [entry.item for entry in found if entry.answer is None],
        "waivers": [check for check in data.audit if check.status == "waived"],
    }


def _by_part(found: list[Entry]) -> dict[str, list[Entry]]:
    parts: dict[str, list[Entry]] = {}
    for entry in found:
        parts.setdefault(entry.item.section, []).append(entry)
    return parts


class _Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _table(table: Table) -> _Markdown:
    rows = [table.header, ("---",) * len(table.header), *table.rows]
    lines = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    note = f"\n\n{_plain(table.note)}" if table.note else ""
    return _Markdown(f"**{_plain(table.caption)}**\n\n" + "\n".join(lines) + note)


def _finalize(value: object) -> object:
    return value if isinstance(value, _Markdown) or not isinstance(value, str) else _plain(value)


def _plain(value: str) -> str:
    """Keep a value from breaking a table or passing as markup."""
    text = re.sub(r"\s+", " ", value)
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(sign, safe)
    return text
