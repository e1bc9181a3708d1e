"""Notes of a request as the vectors that a fold's statistics expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.core.config.text import TextConfig
from components.core.data.event_words import with_places
from components.core.data.texts import TextStats
from components.core.errors import InputError, UserError
from components.core.text.identity import EncoderIdentity
from components.core.text.model_folder import find_model
from components.core.text.tfidf import TfidfEncoder

if TYPE_CHECKING:
    from components.core.data.foldstats import FoldStats
    from components.core.text.huggingface import HuggingFaceEncoder

# A model out of the hub has its commit for a revision, a folder the sha256 over its files.
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Vectors that are kept: 60 MB at 768 dimensions.
_MOST_KNOWN = 20_000


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
    return stats.standardise(_encoded(stats.identity.model_dump_json(), folder, tuple(texts)))


def event_vectors(
    stats: TextStats, texts: Sequence[str], folder: str = ""
) -> npt.NDArray[np.float32]:
    """Return `[n, width]` of texts of events, which repeat from one stay to the next.

    A frozen encoder's vectors are kept for the texts that come again. Arguments and errors as of
    `text_vectors`.
    """
    if not texts:
        return np.zeros((0, len(stats.mean)), np.float32)
    if isinstance(stats, TfidfEncoder):
        return stats.transform(with_places(texts))
    identity = stats.identity.model_dump_json()
    known = _known(identity, folder)
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if len(known) + len(new) > _MOST_KNOWN:
        known.clear()
        new = list(dict.fromkeys(texts))
    if new:
        known |= zip(new, _encoder(identity, folder).encode(new), strict=True)
    return stats.standardise(np.stack([known[text] for text in texts]))


@lru_cache(maxsize=2)
def _known(identity: str, folder: str) -> dict[str, npt.NDArray[np.float32]]:
    """Return text → its raw vector, filled by who asks."""
    del identity, folder
    return {}


def encoder_of(stats: TextStats | None) -> EncoderIdentity | None:
    """Return the frozen encoder that a bundle needs beside itself; None where it needs none."""
    return None if stats is None or isinstance(stats, TfidfEncoder) else stats.identity


def encoder_beside(stats: FoldStats, *, events: bool) -> EncoderIdentity | None:
    """Return the frozen encoder of notes or events that a bundle needs; None where it needs none.

    Args:
        stats: of one of its networks.
        events: the model takes event sequences.
    """
    own = stats.events.text if events and stats.events is not None else None
    return encoder_of(stats.text) or encoder_of(own)


def check_encoder(wanted: EncoderIdentity, folder: str) -> None:
    """Refuse a folder that is not the encoder's, before its weights are loaded.

    Raises:
        InputError: no folder is given, it cannot be opened, or it holds another encoder; both
            widths are named.
    """
    if not folder:
        raise InputError(
            f"the model reads texts with the encoder '{wanted.model}', which a bundle does not "
            "hold; give its folder as text_encoder"
        )
    try:
        found = find_model(_settings(wanted, folder))
    except UserError as error:
        raise InputError(f"text_encoder cannot be opened: {error}") from error
    if found.revision != wanted.revision:
        raise InputError(
            f"the encoder in '{found.name}' gives {_width(found.path)} dimensions at revision "
            f"{found.revision[:12]}, the head was trained on {wanted.width} of revision "
            f"{wanted.revision[:12]}; give the folder that it was trained with"
        )


@lru_cache(maxsize=1)  # the networks of an ensemble ask one after the other about the same note
def _encoded(identity: str, folder: str, texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    return _encoder(identity, folder).encode(texts)


@lru_cache(maxsize=2)
def _encoder(identity: str, folder: str) -> HuggingFaceEncoder:
    wanted = EncoderIdentity.model_validate_json(identity)
    check_encoder(wanted, folder)
    from components.core.text.huggingface import load_encoder  # imports transformers

    return load_encoder(_settings(wanted, folder))


def _settings(wanted: EncoderIdentity, folder: str) -> TextConfig:
    return TextConfig(
        encoder="huggingface",
        model=folder,
        pooling=wanted.pooling,
        max_tokens=wanted.max_tokens,
        overlap=wanted.overlap,
        # Who names the hub id that the head was trained with asks for that very model.
        allow_download=folder == wanted.model and bool(_COMMIT.fullmatch(wanted.revision)),
    )


def _width(path: Path) -> int:
    from components.core.compat import import_torchaudio

    import_torchaudio()  # transformers imports it
    from transformers.models.auto.configuration_auto import AutoConfig

    return int(AutoConfig.from_pretrained(path, local_files_only=True).hidden_size)
