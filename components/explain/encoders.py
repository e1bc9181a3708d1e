"""The first layers of a fold's networks: convolutional ECG encoders, readers of events."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.core.attribution.target import Target
from components.core.data.batches import Batch
from components.core.errors import CardioError
from components.core.modalities import EVENTS
from components.core.models.blocks.events.network import EventReader
from components.core.models.blocks.resnet1d import STEM_STRIDE, ResNet1d
from components.explain.subject import Subject

NONE = "its networks have no convolutional ECG encoder"


def encoder(network: nn.Module) -> ResNet1d | None:
    """Return a network's only ECG encoder; None where there is none, or no single one."""
    found = [module for module in network.modules() if isinstance(module, ResNet1d)]
    return found[0] if len(found) == 1 else None


def all_have(subject: Subject) -> bool:
    """Return whether the ECG is an input and every network reads it by one such encoder."""
    found = [encoder(network) for network in subject.target.models]
    return "ecg" in subject.inputs and None not in found


def reader(network: nn.Module) -> EventReader | None:
    """Return what reads a network's event sequences; None where nothing, or no single one, does."""
    found = [module for module in network.modules() if isinstance(module, EventReader)]
    return found[0] if len(found) == 1 else None


def all_read_events(subject: Subject) -> bool:
    """Return whether events are an input and every network reads them by one such reader."""
    found = [reader(network) for network in subject.target.models]
    return EVENTS in subject.inputs and None not in found


def projection(target: Target) -> nn.Linear:
    """Return the first layer over the events of a target of one network.

    Raises:
        CardioError: it reads none.
    """
    own = reader(target.models[0])
    if own is None:
        raise CardioError("the network reads no event sequences; ask `all_read_events` first")
    return own.project


def only(target: Target) -> ResNet1d:
    """Return the encoder of a target of one network.

    Raises:
        CardioError: it has none.
    """
    own = encoder(target.models[0])
    if own is None:
        raise CardioError("the network has no convolutional ECG encoder; ask `all_have` first")
    return own


def stride(own: ResNet1d) -> int:
    """Return samples per step of the last block."""
    return int(STEM_STRIDE * 2 ** len(own.blocks))


def in_record(batch: Batch) -> Tensor:
    """Return `[B, L]` 1 where a sample lies within the record, 0 in padding."""
    ecg, valid = batch["ecg"], batch.get("ecg_valid")
    if valid is None:
        return ecg.new_ones(ecg.shape[0], ecg.shape[2])
    time = torch.arange(ecg.shape[2], device=ecg.device)
    return ((time >= valid[:, :1]) & (time < valid[:, 1:])).to(ecg.dtype)


def spread(steps: Tensor, inside: Tensor) -> Tensor:
    """Return `[B, L]` with each step's value shared evenly by its samples within the record.

    Args:
        steps: `[B, T]` values of the stem's steps, `STEM_STRIDE` samples each.
        inside: `[B, L]` as `in_record` says.
    """
    spare = steps.shape[1] * STEM_STRIDE - inside.shape[1]
    own = nn.functional.pad(inside, (0, spare)).unflatten(1, (-1, STEM_STRIDE))
    share = own / own.sum(2, keepdim=True).clamp(min=1)
    return (share * steps[:, :, None]).flatten(1)[:, : inside.shape[1]]
