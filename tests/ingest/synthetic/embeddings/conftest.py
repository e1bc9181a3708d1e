"""One small cohort of embeddings for all tests of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions

SMALL = SyntheticOptions(part="embeddings", patients=280, emb_widths=(12, 10, 8, 9, 11))


@pytest.fixture(scope="session")
def embedding_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedding_files")
    generate(folder, SMALL)
    return folder
