"""Measured lines go between their marks and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.marks import write_between

PAGE = "a\n<!-- x -->\nold\n<!-- /x -->\n<!-- y -->\nstays\n<!-- /y -->\nb\n"


def test_only_what_stands_between_the_marks_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    write_between(page, "x", ["new", "lines"])
    assert page.read_text() == PAGE.replace("old\n", "new\nlines\n")


@pytest.mark.parametrize("text", ["no mark", "<!-- x -->\nopen", PAGE + PAGE])
def test_a_page_without_its_marks_or_with_two_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="unpack"):
        write_between(page, "x", ["new"])
    assert page.read_text() == text
