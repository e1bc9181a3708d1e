"""One small cohort one year on, and one large block of draws without files."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.surveillance.block import survey
from components.ingest.synthetic.surveillance.visit import Surveyed


@pytest.fixture(scope="session")
def year_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year_on")
    generate(folder, SyntheticOptions(part="surveillance", patients=120))
    return folder


@pytest.fixture(scope="session")
def blocks() -> list[Surveyed]:
    options = SyntheticOptions(part="surveillance")
    return [survey(options, block) for block in range(12)]
