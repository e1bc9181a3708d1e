"""A frozen Transformer encoder out of a local folder: notes in windows, one vector a note.

Shapes: `n` texts, `B` windows in a batch, `L` tokens in a window, `H` dimensions.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.core.compat import import_torchaudio
from components.core.config.text import TextConfig
from components.core.device import resolve
from components.core.errors import ConfigError, InputError
from components.core.text.identity import EncoderIdentity
from components.core.text.model_folder import ModelFolder, find_model
from components.core.text.model_limits import longest_window, pad_multiple, special_tokens
from components.core.text.windows import Ints, Windows, batches, cut_windows

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]

# Tokens in a batch with padding. On a CPU more brings nothing, and a base-sized model's activations
# stay near 0.2 GB; a GPU is filled by ten times as many.
_BUDGET = {"cpu": 8_192, "cuda": 65_536}
# Weights that a checkpoint may lack, since no pooling here reads them.
_UNUSED = "pooler."


@dataclass(frozen=True, kw_only=True)
class HuggingFaceEncoder:
    """Turns notes into `[n, H]` float32; loaded by `load_encoder`.

    Attributes:
        identity: what determines a vector besides the text.
        device: where the model is.
        prefix: special tokens before a window's own.
        suffix: those behind.
        multiple: window lengths are padded to a multiple of this.
    """

    identity: EncoderIdentity
    device: str
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    multiple: int
    tokenizer: Any
    model: Any

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return `[n, H]`; in single precision, so that the device hardly matters.

        `mean` pooling is the mean over all of a text's tokens, special ones left out; a token in
        the overlap of two windows counts once, from the window where it has more context. `cls`
        pooling is the mean of the windows' first tokens. A text without a token is zeros.
        """
        ids = self._token_ids(texts)
        windows = cut_windows(
            [len(each) for each in ids],
            body=self.identity.max_tokens - len(self.prefix) - len(self.suffix),
            overlap=self.identity.overlap,
        )
        total = np.zeros((len(texts), self.identity.width))
        count = np.zeros(len(texts))
        for batch in batches(windows.length, budget=_BUDGET[self.device]):
            pooled, weight = self._pool(ids, windows, batch)
            np.add.at(total, windows.text[batch], pooled)
            np.add.at(count, windows.text[batch], weight)
        return (total / np.maximum(count, 1)[:, None]).astype(np.float32)

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        found = self.tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            truncation=False,
            verbose=False,
        )
        return found["input_ids"]

    def _pool(
        self, ids: list[list[int]], windows: Windows, batch: Ints
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return sums over what is pooled `[B, H]` and how much that is `[B]`."""
        import torch

        tokens, real, own = self._arrays(ids, windows, batch)
        with torch.inference_mode():
            hidden = self._hidden(tokens, real)
            if self.identity.pooling == "cls":
                pooled, weight = hidden[:, 0], np.ones(len(batch))
            else:
                mask = torch.from_numpy(own.astype(np.float32)).to(self.device)
                pooled, weight = torch.einsum("bl,blh->bh", mask, hidden), own.sum(axis=1)
            return pooled.cpu().numpy().astype(np.float64), weight.astype(np.float64)

    def _arrays(
        self, ids: list[list[int]], windows: Windows, batch: Ints
    ) -> tuple[Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return token ids, which are no padding, and which are the window's own, all `[B, L]`."""
        around = len(self.prefix) + len(self.suffix)
        longest = int(windows.length[batch].max()) + around
        shape = (len(batch), -(-longest // self.multiple) * self.multiple)
        tokens = np.full(shape, self.tokenizer.pad_token_id, np.int64)
        real, own = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for row, number in enumerate(batch):
            start, stop = int(windows.start[number]), int(windows.stop[number])
            body = ids[int(windows.text[number])][start:stop]
            tokens[row, : len(body) + around] = [*self.prefix, *body, *self.suffix]
            real[row, : len(body) + around] = True
            shift = len(self.prefix) - start
            own[row, windows.own_start[number] + shift : windows.own_stop[number] + shift] = True
        return tokens, real, own

    def _hidden(self, tokens: Ints, real: npt.NDArray[np.bool_]) -> torch.Tensor:
        import torch

        given = {
            "input_ids": torch.from_numpy(tokens).to(self.device),
            "attention_mask": torch.from_numpy(real.astype(np.int64)).to(self.device),
        }
        if self.identity.pooling == "cls" and _knows_global_attention(self.model):
            first = torch.zeros_like(given["input_ids"])
            first[:, 0] = 1
            given["global_attention_mask"] = first
        return self.model(**given).last_hidden_state


def _knows_global_attention(model: Any) -> bool:  # noqa: ANN401 - of any architecture
    return "global_attention_mask" in inspect.signature(model.forward).parameters


def load_encoder(config: TextConfig, device: str = "auto") -> HuggingFaceEncoder:
    """Return the encoder that `config.model` names, frozen.

    Only safetensors are opened, no code out of the folder is run, and no network is asked unless
    `allow_download` is set.

    Args:
        config: with `encoder: huggingface`.
        device: `cpu`, `cuda` or `auto`, which takes cuda where there is one.

    Raises:
        ConfigError: a hub id without leave to download, a window beyond the model's limit, an
            overlap that leaves windows no room to move, a device that is not here.
        InputError: no such folder, files or weights are missing or unreadable, the hub is out of
            reach, or the model cannot be pooled so.
    """
    if config.encoder != "huggingface":
        raise ConfigError(f"text.encoder is '{config.encoder}'; only 'huggingface' has a model")
    place = resolve(device, "fp32").device
    folder = find_model(config)
    import_torchaudio()  # transformers imports it
    with _quiet():
        tokenizer, model = _open(folder)
    prefix, suffix = special_tokens(tokenizer, folder.name)
    if config.pooling == "cls" and not prefix:
        raise InputError(
            f"the model '{folder.name}' puts no special token first, so text.pooling cannot be "
            "'cls'; take 'mean'"
        )
    most = longest_window(config, model, tokenizer, around=len(prefix) + len(suffix))
    identity = EncoderIdentity(
        model=folder.name,
        revision=folder.revision,
        pooling=config.pooling,
        max_tokens=most,
        overlap=config.overlap,
        width=int(model.config.hidden_size),
    )
    return HuggingFaceEncoder(
        identity=identity,
        device=place,
        prefix=prefix,
        suffix=suffix,
        multiple=pad_multiple(model),
        tokenizer=tokenizer,
        model=model.to(place).eval().requires_grad_(requires_grad=False),
    )


def _open(folder: ModelFolder) -> tuple[Any, Any]:
    """Return tokenizer and model.

    Raises:
        InputError: they cannot be opened, or weights are missing, which would be drawn at random.
    """
    import torch
    from transformers.models.auto.modeling_auto import AutoModel
    from transformers.models.auto.tokenization_auto import AutoTokenizer

    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder.path, **safe)
        model, told = AutoModel.from_pretrained(
            folder.path, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **safe
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"the folder of text.model, '{folder.path}', cannot be opened as an encoder "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); save model and "
            "tokenizer into it with save_pretrained"
        ) from error
    _check(folder, model, told)
    return tokenizer, model


def _check(folder: ModelFolder, model: Any, told: dict[str, Any]) -> None:  # noqa: ANN401
    lacking = sorted(str(n) for n in told["missing_keys"] if not str(n).startswith(_UNUSED))
    if lacking:
        raise InputError(
            f"the weights in '{folder.path}' lack {len(lacking)} tensors, among them {lacking[0]}, "
            "which would be drawn at random; give the folder of the pretrained encoder"
        )
    if model.config.is_encoder_decoder:
        raise InputError(
            f"text.model is '{folder.name}', an encoder with a decoder "
            f"({model.config.model_type}); give an encoder alone, such as BERT or Longformer"
        )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the library's loading bars and reports off the terminal; what matters is checked."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
