"""Small encoders with random weights, written once and loaded from their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness.tiny_model import write_model
from components.core.config.text import TextConfig
from components.core.text.huggingface import HuggingFaceEncoder, load_encoder
from components.core.text.identity import EncoderIdentity

WORDS = [f"w{i}" for i in range(200)]


def config_of(folder: Path, **options: object) -> TextConfig:
    return TextConfig.model_validate({"encoder": "huggingface", "model": str(folder), **options})


@pytest.fixture(scope="session")
def longformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "longformer"
    return write_model(folder, WORDS, longformer=True, width=16, longest=4096)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "bert", WORDS, width=16, longest=64)


@pytest.fixture(scope="session")
def encoder(bert: Path) -> HuggingFaceEncoder:
    return load_encoder(config_of(bert, overlap=16), "cpu")


@pytest.fixture
def identity() -> EncoderIdentity:
    return EncoderIdentity(
        model="m", revision="r", pooling="mean", max_tokens=64, overlap=16, width=4
    )
