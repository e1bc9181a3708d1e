"""A small table and entry points that run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest

from tests.chain import TABULAR_OPTIONS, write_tabular_cohort
from tests.entries import Entries


@pytest.fixture
def sections(tmp_path: Path) -> dict[str, Any]:
    path = write_tabular_cohort(tmp_path)
    return {
        "ingest": {"source": "table", "path": str(path), "options": {"table": TABULAR_OPTIONS}},
        "preprocess": {"split": {"method": "holdout"}},
        "stages": ("ingest", "preprocess"),
    }


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch, workspace: Any) -> Entries:
    own = Entries()
    monkeypatch.setattr(mlflow, "run", own.run)
    # Nets this small only wait for each other's threads.
    monkeypatch.setattr("components.train.run._cores", lambda: 1)
    return own
