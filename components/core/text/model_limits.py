"""What a loaded model takes: longest window, special tokens, lengths in multiples of a window."""

from __future__ import annotations

from typing import Any

from components.core.config.text import TextConfig
from components.core.errors import ConfigError, InputError

# Tokenizers that know no limit say 10^30.
_NO_LIMIT = 10**6


def special_tokens(tokenizer: Any, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:  # noqa: ANN401
    """Return the special tokens that the tokenizer puts before and behind a text.

    Raises:
        InputError: it puts some in the middle, or has no padding token.
    """
    if tokenizer.pad_token_id is None:
        raise InputError(
            f"the tokenizer of '{name}' has no padding token; set one and save it into the folder"
        )
    probe = "a"
    bare: list[int] = tokenizer(probe, add_special_tokens=False)["input_ids"]
    full: list[int] = tokenizer(probe)["input_ids"]
    for start in range(len(full) - len(bare) + 1):
        if bare and full[start : start + len(bare)] == bare:
            return tuple(full[:start]), tuple(full[start + len(bare) :])
    raise InputError(
        f"the tokenizer of '{name}' gives 'a' the tokens {bare} alone and {full} with special "
        "ones, which do not contain them; give an encoder with its own tokenizer"
    )


def longest_window(config: TextConfig, model: Any, tokenizer: Any, *, around: int) -> int:  # noqa: ANN401
    """Return the window length in tokens, special ones included.

    Args:
        config: `max_tokens` and `overlap`.
        model: whose position embeddings bound it.
        tokenizer: whose own limit bounds it, too.
        around: special tokens of a window.

    Raises:
        ConfigError: `max_tokens` is beyond the model's limit or missing where there is none, or
            too short for overlap and special tokens.
    """
    known = [n for n in (_positions(model), int(tokenizer.model_max_length)) if n < _NO_LIMIT]
    limit = min(known, default=None)
    if config.max_tokens is None and limit is None:
        raise ConfigError("the model of text.model states no longest text; set text.max_tokens")
    if config.max_tokens and limit and config.max_tokens > limit:
        raise ConfigError(
            f"text.max_tokens is {config.max_tokens}, but the model takes {limit} tokens at most; "
            f"set {limit} or less (longer notes are read in several windows)"
        )
    chosen = config.max_tokens or limit or 0
    if chosen - around <= config.overlap:
        raise ConfigError(
            f"text.overlap is {config.overlap}, but a window holds {chosen - around} tokens of a "
            "note; make overlap smaller"
        )
    return chosen


def _positions(model: Any) -> int:  # noqa: ANN401 - of any architecture
    """Return how many positions the model knows, `_NO_LIMIT` where it states none."""
    for name, part in model.named_modules():
        if name.rpartition(".")[2] == "position_embeddings" and hasattr(part, "num_embeddings"):
            # RoBERTa and Longformer count positions from behind the padding's.
            lost = 0 if part.padding_idx is None else part.padding_idx + 1
            return int(part.num_embeddings) - lost
    return int(getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT)


def pad_multiple(model: Any) -> int:  # noqa: ANN401 - of any architecture
    """Return what a batch's length must be a multiple of: Longformer's widest local window."""
    window = getattr(model.config, "attention_window", 1)
    return max(window) if isinstance(window, list | tuple) else int(window)
