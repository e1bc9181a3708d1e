"""What a model that imputes absent embeddings must answer, beside its heads.

Shapes: B records, M embedding modalities of the model, W own width of a modality, D width of a
patient's embedding, R rounds. Everything is on the scale of the batch: z-scores by the statistics
of the training part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from components.core.modalities import EmbeddingModality


@dataclass(frozen=True, kw_only=True, eq=False)
class Imputation:
    """What a model takes absent modalities to be, from those that are there.

    Attributes:
        modalities: of the model, in the order of `confidence`.
        mean: modality → `[B, W]`; also of modalities that are there (their reconstruction).
        sd: modality → `[B, W]` stated standard deviation of the truth about `mean`, before any
            calibration.
        confidence: `[B, M]` in (0, 1), of each modality; 1 where it is there.
        rounds: `[R, B, M]` mean stated SD after each round of refinement.
    """

    modalities: tuple[EmbeddingModality, ...]
    mean: Mapping[EmbeddingModality, Tensor]
    sd: Mapping[EmbeddingModality, Tensor]
    confidence: Tensor
    rounds: Tensor


@runtime_checkable
class Imputing(Protocol):
    """A model that imputes. In evaluation mode, nothing here depends on chance."""

    def impute(self, batch: dict[str, Tensor]) -> Imputation:
        """Return what absent modalities are taken to be; masks and qualities say what is there."""
        ...

    def targets(self, batch: dict[str, Tensor]) -> dict[EmbeddingModality, Tensor]:
        """Return modality → `[B, W]` what `impute` is about: patches are pooled; 0 where absent."""
        ...

    def embed(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[B, D]` the patients' embeddings, which the heads answer from."""
        ...

    def active_units(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[Z]` per latent unit the variance over records of its posterior mean.

        A unit is active above 0.01 (Burda, Grosse and Salakhutdinov, ICLR 2016).
        """
        ...


@runtime_checkable
class Masking(Protocol):
    """A model that can also answer from what is there alone, absent modalities taking no part."""

    def masked(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head as `forward` does, nothing being imputed."""
        ...
