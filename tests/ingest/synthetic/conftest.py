"""One small cohort for all tests of the generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions


@pytest.fixture(scope="session")
def small_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small_cohort")
    generate(folder, SyntheticOptions(patients=120))
    return folder
