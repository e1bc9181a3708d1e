"""How every model is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from components.core.config.base import Frozen
from components.core.modalities import Modality

Augmentation = Literal[
    "noise", "scale", "shift", "leads", "page_shift", "page_contrast", "sound_turn", "sound_level"
]


class FitConfig(Frozen):
    """One `fit()` for every model.

    Attributes:
        epochs: upper bound; early stopping usually ends sooner.
        batch: records per step; of event sequences at most so many.
        tokens: of event sequences, steps in a batch, padding included; a longer sequence is a
            batch by itself, none is cut off.
        lr: peak learning rate of AdamW.
        weight_decay: of AdamW.
        loss: `ce` over two logits, or `bce` over their difference.
        class_weights: `balanced` from the train split, `none`, or two numbers (negative, positive).
        schedule: `plateau` on the validation metric, `cosine` with warm-up, or `restarts`: cosine
            annealing with warm restarts (Loshchilov and Hutter, ICLR 2017).
        restart_epochs: of `restarts`, epochs of the first cycle.
        restart_factor: of `restarts`, by which each cycle is longer than the one before.
        warmup: share of the steps in which `cosine` rises.
        monitor: the validation metric of early stopping and of the best checkpoint.
        patience: epochs without improvement before stopping.
        aug: augmentations by name, train split only: `noise`, `scale`, `shift` and `leads` of ECGs,
            `page_…` of pictures, `sound_…` of heart sounds; one of what the data lack does nothing.
        precision: `auto` is bf16 where the device multiplies it natively, else fp32.
        device: `auto` is cuda where there is one, else cpu; a named device must be there.
        refit: after cross-validation, train the candidate on all patients.
        seeds: every fold is trained once per seed.
        grad_clip: bound on the gradient's norm.
        multitask: losses of several heads are summed by their own weights (`fixed`) or by learned
            ones (`uncertainty`).
        ablate: modalities without which the first seed's networks are trained once more, on the
            same folds; one that the data lack is left out.
        auxiliary: weight of the branches' own losses, in models that have branches: total = main +
            auxiliary · their sum.
        sampler: `balanced` draws both classes equally often (then class_weights must be `none`);
            the shift of the prior is taken back from the head afterwards.
        lr_multipliers: modality → factor of `lr` for its branch, in models that have branches.
        modality_dropout: chance with which a record loses each of several modalities in a training
            step; it never loses all. In models that have branches, and in those of event sequences.
        modulation: `ogm_ge` slows the branches that learn faster than the others and adds noise in
            proportion (Peng et al., CVPR 2022), in models that have branches.
        modulation_strength: of `ogm_ge`.
        singles: train the network once more on every modality by itself, on the same folds.
        pretrain_epochs: so many epochs first learn from the model's own losses alone (imputation,
            say), not from the heads; early stopping and best checkpoints begin after them. For
            models that have such losses (`components.core.models.extra`). An upper bound where
            the model imputes and there is a validation part: they end when `val/impute` stops
            improving.
        pretrain_patience: epochs without a clear improvement of `val/impute` that end the
            pretraining.
        checkpoints: `best` keeps one network; `all` also the best of each head and of their mean,
            and the final one.
        keep: whose validation figure decides the network that goes on, stops training and moves
            the plateau: `monitor` (the primary head's), `mean` (of all heads), or a head's name.
        save_attention_every: record the attention of a few validation stays in batch 0 of every
            epoch and every so many batches after it; 0 records nothing. For models that have
            attention to show (`components.core.models.attending`); a refit has no validation part
            and no records.
        attention_stays: whose attention is recorded: so many, the first of the validation part.
        attention_megabytes: what one record may hold before compression; stays that do not fit are
            left out, and that is said.
        alone: train every head of several by itself once more, too, on the same folds and seed.
    """

    epochs: int = Field(default=60, ge=1)
    batch: int = Field(default=32, ge=2)
    tokens: int = Field(default=16_384, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    loss: Literal["ce", "bce"] = "ce"
    class_weights: Literal["balanced", "none"] | tuple[float, float] = "balanced"
    schedule: Literal["plateau", "cosine", "restarts"] = "plateau"
    restart_epochs: int = Field(default=10, ge=1)
    restart_factor: int = Field(default=2, ge=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    monitor: Literal["auprc", "auroc", "loss"] = "auprc"
    patience: int = Field(default=12, ge=1)
    aug: tuple[Augmentation, ...] = ()
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    refit: bool = True
    seeds: tuple[int, ...] = (0,)
    grad_clip: float = Field(default=1.0, gt=0)
    multitask: Literal["fixed", "uncertainty"] = "fixed"
    ablate: tuple[Modality, ...] = ()
    auxiliary: float = Field(default=0.2, ge=0)
    sampler: Literal["none", "balanced"] = "none"
    lr_multipliers: dict[Modality, float] = Field(default_factory=dict)
    modality_dropout: float = Field(default=0.0, ge=0, lt=1)
    modulation: Literal["none", "ogm_ge"] = "none"
    modulation_strength: float = Field(default=0.3, ge=0)
    singles: bool = False
    pretrain_epochs: int = Field(default=0, ge=0)
    pretrain_patience: int = Field(default=10, ge=1)
    checkpoints: Literal["best", "all"] = "best"
    keep: str = Field(default="monitor", pattern=r"^[a-z][a-z0-9_]*$")
    save_attention_every: int = Field(default=0, ge=0)
    attention_stays: int = Field(default=4, ge=1)
    attention_megabytes: float = Field(default=256.0, gt=0)
    alone: bool = False

    @field_validator("lr_multipliers")
    @classmethod
    def _positive(cls, value: dict[Modality, float]) -> dict[Modality, float]:
        for name, factor in value.items():
            if not factor > 0:
                raise ValueError(f"the factor of '{name}' is {factor}; give one above 0")
        return value

    @model_validator(mode="after")
    def _heads_learn(self) -> FitConfig:
        if self.pretrain_epochs >= self.epochs:
            raise ValueError(
                f"pretrain_epochs={self.pretrain_epochs} leaves no epoch of {self.epochs} in which "
                "the heads learn; lower it or raise epochs"
            )
        return self

    @model_validator(mode="after")
    def _balanced_once(self) -> FitConfig:
        if self.sampler == "balanced" and self.class_weights != "none":
            raise ValueError(
                "sampler 'balanced' and class_weights would balance the classes twice; set "
                "class_weights: none, or leave the sampler out"
            )
        return self
