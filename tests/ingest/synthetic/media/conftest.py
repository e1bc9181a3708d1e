"""One small cohort of pages and heart sounds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions

PATIENTS = 60


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic")
    generate(folder, SyntheticOptions(media=True, patients=PATIENTS))
    return folder
