"""`hcat`: five embeddings of a patient, absent ones imputed, fused by attention.

A joint variational autoencoder imputes, a Transformer refines what it imputed, and a network of
branches answers from what is there and what was imputed (`docs/hcat_model.md`). What the data lack
altogether has no part; what one record lacks is imputed and marked by a learned vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from components.core.config.base import Frozen
from components.core.modalities import EMBEDDED
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "hcat"
INPUTS = EMBEDDED
HidingMode = Literal["independent", "one_out", "keep_one"]


class Config(Frozen):
    """Settings of the imputation, of the fusion and of the model's own losses.

    The weights of the heads' losses (survival, recurrence) are the task's: `heads.<name>.weight`.

    Attributes:
        d_model: width of every token and of the patient's embedding.
        n_heads: of every attention; divides `d_model`.
        n_global_layers: Transformer layers over the five tokens.
        dropout: inside layers and heads.
        latent: units of the joint latent, and factors of the linear path.
        scales: encoders a modality, each with half the hidden width of the one before.
        use_advanced_imputation: refine by a Transformer what the autoencoder imputed.
        n_impute_iterations: rounds of that refinement.
        alpha_con: weight of the contrastive loss between two views of a patient.
        alpha_kl: weight of the latent's divergence from its prior.
        alpha_impute: weight of the imputation of hidden modalities.
        alpha_consistency: weight of the agreement of two imputations from different modalities.
        moddrop: chance of hiding in a training step: of each modality (`independent`), or of a
            record losing one (`one_out`) or all but one (`keep_one`).
        moddrop_mode: which observed modalities are hidden; a record never loses all.
        emb_noise: SD of noise added to embeddings while training, in SDs of the training part.
        kl_warmup: epochs in which the weight of the divergence rises to `alpha_kl`.
        free_bits: divergence of a latent unit, in nats, below which it costs nothing.
        temperature: of the contrastive loss.
    """

    d_model: int = Field(default=64, ge=4)
    n_heads: int = Field(default=4, ge=1)
    n_global_layers: int = Field(default=2, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    latent: int = Field(default=16, ge=1)
    scales: int = Field(default=2, ge=1, le=4)
    use_advanced_imputation: bool = True
    n_impute_iterations: int = Field(default=2, ge=1)
    alpha_con: float = Field(default=0.1, ge=0)
    alpha_kl: float = Field(default=0.01, ge=0)
    alpha_impute: float = Field(default=1.0, ge=0)
    alpha_consistency: float = Field(default=0.1, ge=0)
    moddrop: float = Field(default=0.3, ge=0, lt=1)
    moddrop_mode: HidingMode = "independent"
    emb_noise: float = Field(default=0.1, ge=0)
    kl_warmup: int = Field(default=10, ge=0)
    free_bits: float = Field(default=0.02, ge=0)
    temperature: float = Field(default=0.2, gt=0)

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}")
        if self.d_model >> self.scales == 0:
            raise ValueError(f"d_model={self.d_model} cannot be halved for scales={self.scales}")
        return self


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.hcat.network import HcatModel  # imports torch

    return HcatModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "d_model": trial.suggest_categorical("model.d_model", [32, 64, 128]),
        "n_global_layers": trial.suggest_int("model.n_global_layers", 1, 3),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.5),
        "latent": trial.suggest_categorical("model.latent", [8, 16, 32]),
        "moddrop": trial.suggest_float("model.moddrop", 0.1, 0.5),
        "alpha_con": trial.suggest_float("model.alpha_con", 0.0, 0.3),
        "emb_noise": trial.suggest_float("model.emb_noise", 0.0, 0.3),
    }
