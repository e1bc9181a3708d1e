"""How notes become numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from components.core.config.base import Frozen

# Above half of a window, windows would move by less than they share.
_MOST_OVERLAP = 0.5


class TextConfig(Frozen):
    """Which encoder reads the notes, and what bears on its vectors.

    Where the cache of embeddings lies is no setting: it changes no result.

    Attributes:
        encoder: `tfidf` is fitted on the training notes and needs no weights; `huggingface` is a
            frozen Transformer encoder.
        model: of `huggingface`: a local folder, or a hub id where `allow_download` is set.
        allow_download: whether the hub may be asked for the model.
        pooling: of `huggingface`: `mean` over a note's tokens, or `cls`, the first token of each
            window, with global attention on it where the model knows such (Longformer).
        max_tokens: of `huggingface`: window length with its special tokens; None takes the model's
            own limit. A longer note is read in several windows, never cut.
        overlap: of `huggingface`: tokens that neighbouring windows share. 64 tokens are two or
            three sentences of a note, the context that a word mostly depends on, and an eighth of
            the usual window of 512.
        width: of `tfidf`: dimensions after the singular value decomposition; fewer where the notes
            bear fewer.
        max_terms: of `tfidf`: terms kept, those in the most notes. Beyond 20,000 a term is in too
            few of a usual cohort's notes to move any of the kept dimensions.
        min_documents: of `tfidf`: a term must be in the notes of that many patients (in that many
            notes where patients are not given). A rarer one teaches nothing and may name somebody.
        ngram: of `tfidf`: shortest and longest run of words that is a term.
    """

    encoder: Literal["tfidf", "huggingface"] = "tfidf"
    model: str = ""
    allow_download: bool = False
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: int | None = Field(default=None, ge=8)
    overlap: int = Field(default=64, ge=0)
    width: int = Field(default=64, ge=1)
    max_terms: int = Field(default=20_000, ge=1)
    min_documents: int = Field(default=5, ge=1)
    ngram: tuple[int, int] = (1, 2)

    @model_validator(mode="after")
    def _consistent(self) -> TextConfig:
        if self.encoder == "huggingface" and not self.model.strip():
            raise ValueError("encoder 'huggingface' needs model, a local folder with the weights")
        if self.encoder == "tfidf" and self.model:
            raise ValueError(
                f"encoder 'tfidf' takes no model, yet model is '{self.model}'; "
                "set encoder: huggingface or leave model out"
            )
        if not 1 <= self.ngram[0] <= self.ngram[1]:
            raise ValueError(f"ngram is {self.ngram}; give shortest and longest run, e.g. [1, 2]")
        if self.max_tokens and self.overlap > self.max_tokens * _MOST_OVERLAP:
            raise ValueError(
                f"overlap is {self.overlap}, more than half of max_tokens, {self.max_tokens}; "
                "make it smaller"
            )
        return self
