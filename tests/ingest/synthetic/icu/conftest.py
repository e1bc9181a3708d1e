"""One small cohort of ICU stays for all tests of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions

SMALL = SyntheticOptions(part="icu", patients=280)


def written(folder: Path, options: SyntheticOptions) -> Path:
    """Generate a cohort into `folder` and return it."""
    folder.mkdir(exist_ok=True)
    generate(folder, options)
    return folder


@pytest.fixture(scope="session")
def icu_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("icu_files"), SMALL)
