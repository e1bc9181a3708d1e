"""Branches of a network, one a modality: which there are, and learning rates of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from torch import nn

from components.core.config.fit import FitConfig
from components.core.data.arrays import ArrayPart
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.modalities import SPOKEN, ArrayModality
from components.core.models import stand_in
from components.core.models.blocks.multimodal import ImageEncoder, SoundEncoder
from components.core.models.blocks.resnet2d import ResNet2d
from components.core.models.extra import loss_weights
from components.core.models.imputing import Imputing

Groups = list[dict[str, Any]]


def branches_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return modality → its branch; nothing for a model without branches."""
    found = getattr(model, "branches", None)
    return dict(found.items()) if isinstance(found, nn.ModuleDict) else {}


def droppable(model: nn.Module) -> tuple[str, ...]:
    """Return the modalities that training may hide from a record: those with a learned stand-in.

    Every branch has one; models without branches say so themselves (`core.models.stand_in`).
    """
    return (*branches_of(model), *stand_in.droppable(model))


def check_branches(model: nn.Module, config: FitConfig) -> None:
    """Refuse settings of branches that the model lacks.

    Raises:
        ConfigError: naming the setting and the branches that there are.
    """
    there = branches_of(model)
    for name in config.lr_multipliers:
        if name not in there:
            raise ConfigError(
                f"fit.lr_multipliers names '{name}', for which the model has no branch; "
                f"{_named(there)}"
            )
    if config.modality_dropout and not droppable(model):
        raise ConfigError(
            "fit.modality_dropout needs a model with branches or one of event sequences"
            f"{_own(model)}; {_named(there)}"
        )
    if config.modulation != "none" and not there:
        raise ConfigError(f"fit.modulation needs a model with branches; {_named(there)}")
    if config.modulation != "none" and not config.auxiliary:
        raise ConfigError(
            f"fit.modulation={config.modulation} compares what the branches answer by themselves, "
            "which fit.auxiliary=0 leaves untrained; set fit.auxiliary above 0"
        )


def _own(model: nn.Module) -> str:
    return "; this one hides modalities by model.moddrop" if isinstance(model, Imputing) else ""


def check_pretraining(model: nn.Module, config: FitConfig) -> None:
    """Refuse to pretrain a model that has nothing to learn without its heads.

    Raises:
        ConfigError: it has no losses of its own, or none that counts.
    """
    if config.pretrain_epochs and not any(weight > 0 for weight in loss_weights(model).values()):
        raise ConfigError(
            f"fit.pretrain_epochs={config.pretrain_epochs} trains on the model's own losses alone, "
            f"but a {type(model).__name__} has none that counts; set fit.pretrain_epochs=0"
        )


def check_records(model: nn.Module, train: Rows) -> None:
    """Refuse a training part from which a branch would learn nothing, or could not be normalised.

    Raises:
        ConfigError: no record has the branch's modality, or its pictures are halved to one point.
    """
    for name, branch in branches_of(model).items():
        there = train.tabular_there if name == "tabular" else _part(train, name).there
        if not there.any():
            raise ConfigError(
                f"no record of the train part of fold {train.stats.fold} has {SPOKEN[name]}, so "
                "that its branch would answer by chance wherever a record has it; leave it out of "
                "preprocess.modalities, or bring records that have it"
            )
        encoder = getattr(branch, "encoder", None)
        if isinstance(encoder, ImageEncoder | SoundEncoder):
            _check_depth(name, encoder.body, _part(train, name).reader.shape)


def _part(train: Rows, name: str) -> ArrayPart:
    return train.arrays[cast(ArrayModality, name)]


def _check_depth(name: str, body: ResNet2d, shape: tuple[int, ...]) -> None:
    """Refuse a last layer of one point: of a batch's only picture it has nothing to normalise."""
    sides = shape[-2:]
    if all(side <= 2**body.halvings for side in sides):
        setting = {"ecg_image": "image_depth", "pcg": "sound_depth"}[name]
        most = (max(sides) - 1).bit_length() - 2  # less the stem's halving, and one point more
        raise ConfigError(
            f"model.{setting}={len(body.blocks)} halves {sides[0]} × {sides[1]} points to a single "
            f"one, which a batch with one record cannot be normalised by; set it to {most} or less"
        )


def _named(there: dict[str, nn.Module]) -> str:
    if not there:
        return "this model has none: set model.name=multimodal or leave the setting out"
    return f"its branches are {', '.join(there)}"


def parameter_groups(module: nn.Module, model: nn.Module, config: FitConfig) -> Groups:
    """Return groups of parameters for the optimiser; what is frozen is in none.

    The first holds what has no factor of its own, at `fit.lr`; with it go the schedules' figures.

    Args:
        module: holds all parameters: the model's and the loss's.
        model: the network inside it.
        config: `lr` and `lr_multipliers`, each of a branch that the model has.
    """
    own = {name: list(_branch_parameters(model, name)) for name in config.lr_multipliers}
    taken = {id(p) for each in own.values() for p in each}
    # A frozen trunk has no gradients to follow.
    rest = [p for p in module.parameters() if p.requires_grad and id(p) not in taken]
    groups: Groups = [{"params": rest}]
    for name, factor in config.lr_multipliers.items():
        groups.append({"params": own[name], "lr": config.lr * factor})
    return [group for group in groups if group["params"]]


def _branch_parameters(model: nn.Module, name: str) -> Iterator[nn.Parameter]:
    """Yield the parameters of a branch and of its own heads."""
    heads = getattr(model, "own_heads", None)
    parts = [branches_of(model)[name]]
    if isinstance(heads, nn.ModuleDict) and name in heads:
        parts.append(heads[name])
    yield from (p for part in parts for p in part.parameters() if p.requires_grad)
