"""What a script has measured, written between two marks of a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace the lines between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: the page does not have each of the two marks once.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = page.read_text(encoding="utf-8").split(first)
    _, after = rest.split(last)
    inside = "".join(f"{line}\n" for line in lines)
    page.write_text(f"{before}{first}{inside}{last}{after}", encoding="utf-8")
