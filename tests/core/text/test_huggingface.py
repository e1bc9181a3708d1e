"""Transformer encoders out of local folders: whole notes, padding that does nothing, refusals."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from components.core.errors import ConfigError, InputError
from components.core.text import huggingface, model_folder
from components.core.text.huggingface import HuggingFaceEncoder, load_encoder
from components.core.text.model_limits import longest_window, special_tokens
from tests.core.text.conftest import WORDS, config_of


def text_of(*, tokens: int, seed: int = 0) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, tokens))


def oracle(folder: Path, text: str, *, pooling: str) -> np.ndarray[Any, Any]:
    """The vector of a text that fits one window, by the library's own calls."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    given = tokenizer(text, return_tensors="pt")
    if pooling == "cls" and "Longformer" in type(model).__name__:
        given["global_attention_mask"] = torch.eye(1, given["input_ids"].shape[1]).long()
    with torch.no_grad():
        hidden = model.eval()(**given).last_hidden_state[0]
    return (hidden[0] if pooling == "cls" else hidden[1:-1].mean(0)).numpy()


@pytest.mark.parametrize("name", ["bert", "longformer"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_short_text_has_the_librarys_own_vector(
    name: str, pooling: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name)
    made = load_encoder(config_of(folder, pooling=pooling, overlap=8), "cpu")
    text = text_of(tokens=40)
    expected = oracle(folder, text, pooling=pooling)
    np.testing.assert_allclose(made.encode([text])[0], expected, atol=1e-5)
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize("name", ["bert", "longformer"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_company_and_padding_do_not_matter(
    name: str, pooling: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name)
    made = load_encoder(config_of(folder, pooling=pooling, overlap=8), "cpu")
    texts = [text_of(tokens=n, seed=n) for n in (3, 150, 1, 17, 62, 63, 64)]
    together = made.encode(texts)
    assert together.dtype == np.float32
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(made.encode([text])[0], vector, atol=1e-5)
    assert np.array_equal(made.encode(texts), together)


def test_a_long_note_is_the_mean_over_all_its_tokens_each_once(bert: Path) -> None:
    made = load_encoder(config_of(bert, overlap=16), "cpu")
    words = text_of(tokens=100).split()
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    kept = []
    # Windows of 62 tokens of the note every 46; of the 16 shared ones 8 belong to either.
    for start, stop, own_start, own_stop in ((0, 62, 0, 54), (46, 100, 54, 100)):
        with torch.no_grad():
            given = tokenizer(" ".join(words[start:stop]), return_tensors="pt")
            hidden = model(**given).last_hidden_state[0, 1:-1]
        kept.append(hidden[own_start - start : own_stop - start])
    expected = torch.cat(kept)
    assert len(expected) == 100
    found = made.encode([" ".join(words)])[0]
    np.testing.assert_allclose(found, expected.mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_nothing_of_4096_tokens_and_more_is_cut_off(longformer: Path, pooling: str) -> None:
    made = load_encoder(config_of(longformer, pooling=pooling), "cpu")
    assert made.identity.max_tokens == 4096
    note = text_of(tokens=4500)
    other = f"{note.rsplit(' ', 3)[0]} w1 w2 w3"
    one, two = made.encode([note, other])
    assert np.abs(one - two).max() > 1e-6
    # The last words within a single window matter, too.
    short = note.split()[:4094]
    one, two = made.encode([" ".join(short), " ".join([*short[:-3], "w1", "w2", "w3"])])
    assert np.abs(one - two).max() > 1e-7


def test_a_text_without_a_token_is_zeros(encoder: HuggingFaceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 16)
    found = encoder.encode(["", "w1 w2", "\u200b"])
    assert not found[[0, 2]].any()
    assert found[1].any()


def test_batches_follow_the_budget(
    encoder: HuggingFaceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [text_of(tokens=n, seed=n) for n in range(1, 60)]
    whole = encoder.encode(texts)
    monkeypatch.setitem(huggingface._BUDGET, "cpu", 100)
    np.testing.assert_allclose(encoder.encode(texts), whole, atol=1e-5)


def test_the_model_is_frozen_and_weights_are_single_precision(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    halves = {name: value.half() for name, value in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    made = load_encoder(config_of(folder, overlap=8), "cpu")
    assert not made.model.training
    assert {(p.dtype, p.requires_grad) for p in made.model.parameters()} == {(torch.float32, False)}


def test_the_identity_is_of_the_files_and_settings(bert: Path, tmp_path: Path) -> None:
    own = load_encoder(config_of(bert, overlap=8), "cpu").identity
    assert (own.model, own.width, own.max_tokens, own.overlap) == ("bert", 16, 64, 8)
    copied = shutil.copytree(bert, tmp_path / "bert")
    (copied / "README.md").write_text("changes no vector")
    assert load_encoder(config_of(copied, overlap=8), "cpu").identity == own
    for change in ({"overlap": 9}, {"pooling": "cls"}, {"max_tokens": 32}):
        other = load_encoder(config_of(copied, **{"overlap": 8, **change}), "cpu").identity
        assert other.digest != own.digest
    weights = load_file(copied / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][7, 0] += 1e-3
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert load_encoder(config_of(copied, overlap=8), "cpu").identity.revision != own.revision


def test_weights_that_are_missing_are_not_drawn_at_random(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "poor")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("pooler")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    load_encoder(config_of(folder, overlap=8), "cpu")  # no pooling here reads the pooler
    kept.pop("encoder.layer.0.output.dense.weight")
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lack 1 tensors, among them encoder.layer.0.*at random"):
        load_encoder(config_of(folder, overlap=8), "cpu")


def test_a_folder_that_is_missing_or_lacks_files_is_named(bert: Path, tmp_path: Path) -> None:
    missing = tmp_path / "clinical" / "longformer"
    with pytest.raises(InputError, match=rf"'{missing}', and there is no such folder; give as"):
        load_encoder(config_of(missing), "cpu")
    file = tmp_path / "model.safetensors"
    file.touch()
    with pytest.raises(InputError, match=r"model.safetensors', a file; give as text.model"):
        load_encoder(config_of(file), "cpu")
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "pytorch_model.bin").touch()
    with pytest.raises(InputError, match=r"lacks config.json and \*.safetensors; .*not opened"):
        load_encoder(config_of(folder), "cpu")
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    shutil.copy(bert / "model.safetensors", folder)
    with pytest.raises(InputError, match=r"cannot be opened as an encoder \(\w+Error: "):
        load_encoder(config_of(folder), "cpu")


def test_a_hub_id_needs_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"'some/model': .* needs text.allow_download: true"):
        load_encoder(config_of(Path("some/model")), "cpu")


def test_only_huggingface_has_a_model() -> None:
    with pytest.raises(ConfigError, match=r"text.encoder is 'tfidf'; only 'huggingface'"):
        load_encoder(model_folder.TextConfig(), "cpu")


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_the_answer_comes_at_once(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    start = time.monotonic()
    with pytest.raises(InputError, match=r"the hub cannot be reached \(ConnectE?.*; download it"):
        load_encoder(config_of(Path("some/model"), allow_download=True), "cpu")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("cached", [True, False])
def test_a_downloaded_model_has_its_commit_as_revision(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    folder = shutil.copytree(bert, tmp_path / "0123abcd")

    def download(name: str, *, allow_patterns: list[str], local_files_only: bool = False) -> str:
        assert (name, "*.bin" in allow_patterns) == ("some/model", False)
        if local_files_only and not cached:
            raise LocalEntryNotFoundError("not here")
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(model_folder, "_ask_hub", lambda name: None)
    config = config_of(Path("some/model"), allow_download=True, overlap=8)
    made = load_encoder(config, "cpu").identity
    assert (made.model, made.revision) == ("some/model", "0123abcd")


def test_a_hub_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def refuse(name: str, **options: object) -> str:
        raise LocalEntryNotFoundError("no")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    monkeypatch.setattr(model_folder, "_ask_hub", lambda name: None)
    with pytest.raises(InputError, match=r"the hub did not give 'some/model', text.model \(Local"):
        load_encoder(config_of(Path("some/model"), allow_download=True), "cpu")


def test_a_hub_that_answers_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Session:
        def head(self, url: str, *, timeout: float) -> None:
            asked.append(url)
            assert timeout < 10

    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "get_session", Session)
    model_folder._ask_hub("some/model")
    assert asked == [huggingface_hub.constants.ENDPOINT]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 65}, "max_tokens is 65, but the model takes 64 tokens at most; set 64"),
        ({"overlap": 62}, "overlap is 62, but a window holds 62 tokens of a note; make overlap"),
    ],
)
def test_windows_keep_to_the_model(bert: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_encoder(config_of(bert, **{"overlap": 8, **options}), "cpu")


class Fake:
    """A tokenizer or model of which only some attributes are asked for."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)
        self.config = self

    def named_modules(self) -> list[tuple[str, Any]]:
        return []

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": self.full if add_special_tokens else self.bare}


def test_a_model_without_a_limit_needs_one() -> None:
    model, tokenizer = Fake(), Fake(model_max_length=10**30)
    config = config_of(Path("m"))
    with pytest.raises(ConfigError, match=r"states no longest text; set text.max_tokens"):
        longest_window(config, model, tokenizer, around=2)
    own = config.model_copy(update={"max_tokens": 300})
    assert longest_window(own, model, tokenizer, around=2) == 300
    relative = Fake(max_position_embeddings=2048)
    assert longest_window(config, relative, tokenizer, around=2) == 2048


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pad_token_id": None}, "tokenizer of 'm' has no padding token; set one"),
        ({"pad_token_id": 0, "bare": [5, 6], "full": [5, 1, 6]}, r"'a' the tokens \[5, 6\] alone"),
        ({"pad_token_id": 0, "bare": [], "full": [1]}, r"'a' the tokens \[\] alone"),
    ],
)
def test_a_tokenizer_that_cannot_be_framed_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        special_tokens(Fake(**given), "m")
    assert special_tokens(Fake(pad_token_id=0, bare=[7], full=[7, 2]), "m") == ((), (2,))


def test_cls_pooling_needs_a_first_token(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface, "special_tokens", lambda tokenizer, name: ((), (3,)))
    with pytest.raises(
        InputError, match=r"no special token first, so text.pooling cannot be 'cls'"
    ):
        load_encoder(config_of(bert, pooling="cls", overlap=8), "cpu")


def test_a_decoder_is_refused(bert: Path) -> None:
    folder = model_folder.ModelFolder(bert, "bart", "0")
    told = {"missing_keys": set()}
    model = Fake(is_encoder_decoder=True, model_type="bart")
    with pytest.raises(InputError, match=r"'bart', an encoder with a decoder \(bart\); give an"):
        huggingface._check(folder, model, told)


@pytest.mark.parametrize("bars", [True, False])
def test_the_librarys_own_output_is_as_before(bert: Path, bars: bool) -> None:
    from transformers.utils import logging

    (logging.enable_progress_bar if bars else logging.disable_progress_bar)()
    before = logging.get_verbosity()
    load_encoder(config_of(bert, overlap=8), "cpu")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (before, bars)
    logging.enable_progress_bar()


def test_no_code_of_the_folder_is_run(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "own-code")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoModel": "modeling.Own", "AutoConfig": "modeling.C"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match="cannot be opened as an encoder"):
        load_encoder(config_of(folder, overlap=8), "cpu")
    assert not (tmp_path / "ran").exists()
