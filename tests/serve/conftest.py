"""Bundles that are written once, and what asks them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from components.serve.shelf import Served
from tests.serve.near import served
from tests.serve.subjects import SUBJECTS


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    """Return what gives a served bundle of a kind."""

    @cache
    def of(kind: str) -> Served:
        folder: Path = tmp_path_factory.mktemp(kind)
        return served(kind, SUBJECTS[kind].write(folder))

    return of
