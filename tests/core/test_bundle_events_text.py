"""Events that a frozen encoder reads: its folder is named, each distinct text is read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.harness.tiny_model import write_model
from components.core import bundle_text
from components.core.bundle import Predictor
from components.core.bundle_text import event_vectors
from components.core.config.text import TextConfig
from components.core.data.event_stats import EventStats, TimeStats
from components.core.data.texts import EncodedText
from components.core.errors import InputError
from components.core.text.huggingface import HuggingFaceEncoder, load_encoder
from tests.event_bundles import TEXTS, course, write_event_bundle

WIDTH = 16
WORDS = sorted({word for text in TEXTS for word in text.split()})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("bert") / "bert", WORDS, width=WIDTH, longest=32)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> HuggingFaceEncoder:
    return load_encoder(_settings(folder), "cpu")


def _settings(folder: Path) -> TextConfig:
    return TextConfig(encoder="huggingface", model=str(folder), max_tokens=24, overlap=4)


@pytest.fixture(scope="module")
def text(encoder: HuggingFaceEncoder) -> EncodedText:
    mean, sd = np.linspace(-1, 1, WIDTH), np.linspace(0.5, 2, WIDTH)
    return EncodedText(identity=encoder.identity, mean=tuple(mean.tolist()), sd=tuple(sd.tolist()))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, text: EncodedText) -> Path:
    stats = EventStats(text=text, time=TimeStats(kind="scalar", mean=2.0, sd=1.5))
    return write_event_bundle(tmp_path_factory.mktemp("events"), stats=stats)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that an encoder was asked about, none being known at the start."""
    bundle_text._known.cache_clear()
    found: list[str] = []
    plain = HuggingFaceEncoder.encode

    def encode(self: HuggingFaceEncoder, texts: Any, **more: Any) -> Any:
        found.extend(texts)
        return plain(self, texts, **more)

    monkeypatch.setattr(HuggingFaceEncoder, "encode", encode)
    return found


def test_every_text_is_read_once_by_all_networks_and_rows(
    bundle: Path, folder: Path, asked: list[str]
) -> None:
    predictor = Predictor(bundle, text_encoder=str(folder))
    rows = [course(0), course(1)]
    said = predictor.predict(pd.DataFrame({"events": rows}))
    assert [each.error for each in said] == ["", ""]
    assert [each.fields_note for each in said] == ["", ""]
    distinct = {each["text"] for row in rows for each in row}
    assert sorted(asked) == sorted(distinct)
    bundle_text._known.cache_clear()
    alone = predictor.predict(pd.DataFrame({"events": rows[1:]}))[0]
    assert alone.logit == pytest.approx(said[1].logit, abs=1e-5)


def test_vectors_are_standardised_by_the_fold(
    text: EncodedText, folder: Path, encoder: HuggingFaceEncoder
) -> None:
    found = event_vectors(text, ["Heparin drip", "Arterial Line", "Heparin drip"], str(folder))
    raw = encoder.encode(["Heparin drip", "Arterial Line"])
    expected = (raw - np.array(text.mean)) / np.array(text.sd)
    assert found == pytest.approx(expected[[0, 1, 0]], abs=1e-5)
    assert event_vectors(text, [], "").shape == (0, WIDTH)


def test_memory_of_texts_is_bounded(
    text: EncodedText, folder: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_text, "_MOST_KNOWN", 2)
    for texts in (["a", "b"], ["a", "c"], ["c"]):
        assert len(event_vectors(text, texts, str(folder))) == len(texts)
    assert asked == ["a", "b", "a", "c"]


def test_the_encoder_that_lies_outside_is_asked_for(bundle: Path) -> None:
    predictor = Predictor(bundle)
    assert predictor.text_model is not None
    found = predictor.predict(pd.DataFrame({"events": [course()]}))[0]
    assert "with the encoder 'bert', which a bundle does not hold" in found.error


def test_another_encoder_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", WORDS, width=8, longest=32)
    with pytest.raises(InputError, match=r"the encoder in 'other' gives 8 dimensions"):
        Predictor(bundle, text_encoder=str(other))
