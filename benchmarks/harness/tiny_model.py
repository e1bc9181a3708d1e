"""A text encoder of two layers with random weights, saved as `from_pretrained` wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.compat import import_torchaudio

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789%.,:-"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_model(
    folder: Path, words: list[str], *, longformer: bool = False, width: int = 64, longest: int = 512
) -> Path:
    """Write model and WordPiece tokenizer into `folder` and return it.

    Args:
        folder: made if need be.
        words: that are a token each; others are spelled.
        longformer: instead of BERT, with local windows of 16 tokens.
        width: of the hidden states.
        longest: text in tokens, special ones included.
    """
    import torch

    import_torchaudio()  # transformers imports it
    from transformers import BertConfig, BertModel, LongformerConfig, LongformerModel

    _write_tokenizer(folder, words, longest)
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": len(_vocabulary(words)),
        "hidden_size": width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 4 * width,
        "pad_token_id": 0,
        # Random weights of the usual spread would hardly let a token bear on another.
        "initializer_range": 0.2,
    }
    if longformer:
        # Positions are counted from behind that of the padding.
        made = LongformerConfig(
            **shape, attention_window=[16, 16], max_position_embeddings=longest + 1, sep_token_id=3
        )
        LongformerModel(made).save_pretrained(folder)
    else:
        BertModel(BertConfig(**shape, max_position_embeddings=longest)).save_pretrained(folder)
    return folder


def _vocabulary(words: list[str]) -> dict[str, int]:
    parts = [*_SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), *words]
    return {part: number for number, part in enumerate(dict.fromkeys(parts))}


def _write_tokenizer(folder: Path, words: list[str], longest: int) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordPiece(_vocabulary(words), unk_token=_SPECIAL[1]))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = zip(("pad", "unk", "cls", "sep", "mask"), _SPECIAL, strict=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=longest,
        **{f"{name}_token": token for name, token in names},
    )
    fast.save_pretrained(folder)
