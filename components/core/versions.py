"""Versions of the libraries that compute, and of this code; cheap: nothing is imported."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Return name → installed version; torch without its build suffix (`+cpu`)."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            found[name] = "absent"
    return found


@lru_cache(maxsize=1)
def code_commit() -> tuple[str, bool]:
    """Return the commit and whether the tree differs from it; `unknown` outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return "unknown", True
    return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - git is found as the user finds it
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
