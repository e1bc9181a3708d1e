"""Rendering of self-contained pages: nothing is loaded from elsewhere, text of others is escaped.

Templates of a component can import `parts.html.j2` (tables, figures) and include `look.css.j2`.
"""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_SHARED = Path(__file__).parent


def environment(folder: Path) -> Environment:
    """Return the template environment of a component's `folder`, the shared parts beside it."""
    made = Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Data for a script stay in the order in which they are to be shown.
    made.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    return made


def image(svg: str) -> str:
    """Return an image address: inside `img` an SVG can neither run a script nor load a file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
