"""Discovery of a package's files, on a real package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from components.core.discovery import in_order
from components.core.errors import CardioError

Make = Callable[[dict[str, str]], ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A package of files by name → text."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(files: dict[str, str]) -> ModuleType:
        folder = tmp_path / "found_here"
        folder.mkdir()
        for name, text in {"__init__": "", **files}.items():
            (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("found_here")

    yield make
    for name in [each for each in sys.modules if each.split(".")[0] == "found_here"]:
        del sys.modules[name]


def test_files_come_in_their_own_order_and_helpers_are_left_out(package: Make) -> None:
    found = in_order(
        package({
            "a": "NAME, ORDER = 'last', 20", "b": "NAME, ORDER = 'second', 10",
            "c": "NAME, ORDER = 'first', 10", "_helper": "X = 1",
        }),
        kind="things",
    )  # fmt: skip
    assert list(found) == ["first", "second", "last"]
    assert found["last"].__name__ == "found_here.a"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        found["more"] = found["last"]  # type: ignore[index]


def test_twins_are_refused(package: Make) -> None:
    twins = dict.fromkeys(("a", "b"), "NAME, ORDER = 'twin', 1")
    with pytest.raises(CardioError, match="two things are named 'twin'; rename one of them"):
        in_order(package(twins), kind="things")
