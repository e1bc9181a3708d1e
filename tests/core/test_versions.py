"""Versions of libraries and of this code."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from components.core import versions
from components.core.versions import code_commit, library_versions


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    code_commit.cache_clear()
    yield
    code_commit.cache_clear()


def test_versions_are_those_installed_and_torch_is_without_its_build() -> None:
    found = library_versions(("numpy", "torch", "no-such-library"))
    assert found["numpy"] == np.__version__
    assert "+" not in found["torch"]
    assert found["no-such-library"] == "absent"


def test_the_commit_is_gits(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"rev-parse": "abc", "status": ""}
    monkeypatch.setattr(versions, "_git", lambda *words: answers[words[0]])
    assert code_commit() == ("abc", False)
    code_commit.cache_clear()
    answers["status"] = " M file"
    assert code_commit() == ("abc", True)


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git"),
     subprocess.TimeoutExpired("git", 20)],
)  # fmt: skip
def test_outside_a_checkout_the_commit_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert code_commit() == ("unknown", True)


def test_git_answers_without_line_ends() -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    assert versions._git("--version").startswith("git version")
    assert not versions._git("--version").endswith("\n")


def test_git_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []

    def git(*words: str) -> str:
        calls.append(words)
        return "x"

    monkeypatch.setattr(versions, "_git", git)
    code_commit()
    code_commit()
    assert len(calls) == 2
