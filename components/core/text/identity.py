"""What determines an embedding besides the text itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.core.config.base import Frozen, digest


class EncoderIdentity(Frozen):
    """Two encoders of the same identity give a text the same vector (to rounding).

    Attributes:
        model: name of the local folder, or hub id.
        revision: sha256 over configuration, tokenizer and weights of a local folder, or the commit
            of a hub model.
        pooling: `mean` over a note's tokens or `cls`, the first token of each window.
        max_tokens: window length, special tokens included.
        overlap: tokens that neighbouring windows share.
        width: dimensions of a vector.
    """

    model: str = Field(min_length=1)
    revision: str = Field(min_length=1)
    pooling: Literal["mean", "cls"]
    max_tokens: int = Field(ge=1)
    overlap: int = Field(ge=0)
    width: int = Field(ge=1)

    @property
    def digest(self) -> str:
        """Return the sha256 over all of it, in hexadecimal."""
        return digest(self.model_dump())
