"""Notes of a request as the vectors that a fold's statistics expect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.core.config.text import TextConfig
from components.core.data.texts import TextStats
from components.core.errors import InputError
from components.core.text.identity import EncoderIdentity
from components.core.text.tfidf import TfidfEncoder

if TYPE_CHECKING:
    from components.core.text.huggingface import HuggingFaceEncoder


def text_vectors(
    stats: TextStats, texts: Sequence[str], folder: str = ""
) -> npt.NDArray[np.float32]:
    """Return `[n, width]` of texts that are not empty.

    Args:
        stats: what the training notes taught.
        texts: masked already.
        folder: of the frozen encoder's weights, where `stats` is of one.

    Raises:
        InputError: the folder is not given, or holds another encoder.
    """
    if isinstance(stats, TfidfEncoder):
        return stats.transform(texts)
    return stats.standardise(_encoder(stats.identity.model_dump_json(), folder).encode(texts))


@lru_cache(maxsize=2)
def _encoder(identity: str, folder: str) -> HuggingFaceEncoder:
    wanted = EncoderIdentity.model_validate_json(identity)
    if not folder:
        raise InputError(
            f"the model reads notes with the encoder '{wanted.model}', which a bundle does not "
            "hold; give its folder as text_encoder"
        )
    from components.core.text.huggingface import load_encoder  # imports transformers

    config = TextConfig(
        encoder="huggingface",
        model=folder,
        pooling=wanted.pooling,
        max_tokens=wanted.max_tokens,
        overlap=wanted.overlap,
    )
    found = load_encoder(config)
    if found.identity.revision != wanted.revision:
        raise InputError(
            f"the encoder in '{found.identity.model}' gives {found.identity.width} dimensions at "
            f"revision {found.identity.revision[:12]}, the head was trained on {wanted.width} of "
            f"revision {wanted.revision[:12]}; give the folder that it was trained with"
        )
    return found
