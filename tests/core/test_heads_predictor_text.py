"""Heads whose notes a frozen encoder reads: its folder is named, or the error says which."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from benchmarks.harness.tiny_model import write_model
from components.core import bundle_text, runs
from components.core.bundle import Predictor
from components.core.bundle_batch import text_batch
from components.core.bundle_text import check_encoder
from components.core.config.text import TextConfig
from components.core.data.texts import EncodedText
from components.core.errors import InputError
from components.core.heads_predictor import HeadsPredictor
from components.core.registry import input_example, register
from components.core.text.huggingface import load_encoder
from components.core.text.identity import EncoderIdentity
from tests.bundles import ecg_on_disk
from tests.conftest import Workplace
from tests.head_bundles import CORPUS, HIDDEN, HeadsOptions, write_heads_bundle

WORDS = sorted({word.strip(",") for note in CORPUS for word in note.split()})
FIELDS = pd.DataFrame({"age": [61.0], "sex": ["F"]})
WIDTH = 16


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("bert") / "bert", WORDS, width=WIDTH, longest=32)


@pytest.fixture(scope="module")
def identity(encoder: Path) -> EncoderIdentity:
    settings = TextConfig(encoder="huggingface", model=str(encoder), max_tokens=24, overlap=4)
    return load_encoder(settings, "cpu").identity


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, identity: EncoderIdentity) -> Path:
    return write_heads_bundle(tmp_path_factory.mktemp("heads"), HeadsOptions(encoder=identity))


@pytest.fixture(scope="module")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ecg_on_disk(tmp_path_factory.mktemp("ecg"))


@pytest.fixture(autouse=True)
def forget() -> None:
    """Let no test find an encoder that another one has loaded."""
    bundle_text._encoder.cache_clear()
    bundle_text._encoded.cache_clear()


def ask(own: Predictor, note: str | None, ecg: Path) -> pd.Series:
    heads = HeadsPredictor(dict.fromkeys(own.facts.all_heads(), own))
    return heads.predict([note], [ecg], FIELDS).iloc[0]


def test_the_named_folder_reads_the_notes(bundle: Path, encoder: Path, ecg: Path) -> None:
    own = Predictor(bundle, text_encoder=str(encoder))
    row, other = ask(own, CORPUS[0], ecg), ask(own, CORPUS[1], ecg)
    assert row["survival.error"] == ""
    assert row["lvef.probability"] != other["lvef.probability"]
    heads = HeadsPredictor({"risk": own})
    hidden = heads.hidden_features([CORPUS[0]], [ecg], FIELDS)
    assert hidden.shape == (1, HIDDEN)


def test_the_vector_is_the_encoders_own_standardised(
    bundle: Path, encoder: Path, identity: EncoderIdentity
) -> None:
    own = Predictor(bundle, text_encoder=str(encoder))
    stats = own.members[0].stats.text
    assert isinstance(stats, EncodedText)
    settings = TextConfig(encoder="huggingface", model=str(encoder), max_tokens=24, overlap=4)
    plain = load_encoder(settings, "cpu").encode([CORPUS[2]])
    expected = (plain - np.array(stats.mean)) / np.array(stats.sd)
    row = {"clinical_notes": CORPUS[2]}
    given = text_batch(stats, row, masked=own.facts.notes_masked, folder=str(encoder))["text"]
    np.testing.assert_allclose(given.numpy(), expected, atol=1e-6)


def test_a_note_is_encoded_once_for_all_networks(
    bundle: Path, encoder: Path, ecg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    kind = type(bundle_text._encoder(Predictor(bundle).text_model.model_dump_json(), str(encoder)))  # type: ignore[union-attr]
    plain = kind.encode
    monkeypatch.setattr(kind, "encode", lambda self, t: asked.append(t) or plain(self, t))
    ask(Predictor(bundle, text_encoder=str(encoder)), CORPUS[0], ecg)
    assert asked == [(CORPUS[0],)]


def test_a_row_with_a_note_says_which_folder_is_missing(bundle: Path, ecg: Path) -> None:
    own = Predictor(bundle)
    assert (
        "texts with the encoder 'bert', which a bundle does not hold; give its folder as te"
        in (ask(own, CORPUS[0], ecg)["lvef.error"])
    )
    assert ask(own, None, ecg)["lvef.error"] == ""


def test_another_encoder_is_refused_with_both_widths(
    bundle: Path, encoder: Path, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other", WORDS, width=24, longest=32)
    with pytest.raises(InputError, match=r"'other' gives 24 dimensions at .* trained on 16 of rev"):
        Predictor(bundle, text_encoder=str(other))
    renamed = shutil.copytree(encoder, tmp_path / "renamed")
    assert Predictor(bundle, text_encoder=str(renamed)).text_model is not None


@pytest.mark.parametrize("name", ["no/such/folder", "bert", "a.txt"])
def test_what_is_no_folder_is_refused(bundle: Path, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"text_encoder cannot be opened: text.model is '.*"):
        Predictor(bundle, text_encoder=str(tmp_path / name) if "/" in name else name)


def test_a_hub_models_own_name_asks_the_hub(
    identity: EncoderIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub = identity.model_copy(update={"model": "owner/name", "revision": "a" * 40})
    with pytest.raises(InputError, match="the hub cannot be reached"):
        check_encoder(hub, "owner/name")
    with pytest.raises(InputError, match=r"it needs text.allow_download"):
        check_encoder(hub, "owner/other")


def test_a_registered_model_takes_the_folder(
    bundle: Path, encoder: Path, workspace: Workplace
) -> None:
    with runs.open_run("heads", "train_heads", {}) as recorder:
        register(recorder.run_id, bundle, name="heads", alias="champion", tags={})
    with pytest.raises(InputError, match=r"reads texts with the encoder 'bert', .* text_encoder"):
        HeadsPredictor.from_registry("models:/heads@champion")
    found = HeadsPredictor.from_registry("models:/heads@champion", text_encoder=str(encoder))
    assert found.heads == ("lvef", "survival", "risk", "confidence")
    example = input_example(Predictor(bundle).facts)
    settings = {"text_encoder": str(encoder)}
    logged = mlflow.pyfunc.load_model("models:/heads/1", model_config=settings)
    answer = logged.predict(example)
    assert answer["error"].tolist() == [""]
    expected = Predictor(bundle, text_encoder=str(encoder)).predict(example)[0]
    assert answer["risk.high"][0] == pytest.approx(expected.heads["risk"]["high"], rel=1e-6)
    lines = Path(mlflow.artifacts.download_artifacts("models:/heads/1")) / "requirements.txt"
    assert "transformers==" in lines.read_text()
