"""Grad-CAM of an encoder's last convolution (Selvaraju et al. 2017, ICCV, 618).

A map of each network is brought to samples, pixels or mel bins; their mean, where positive, is the
answer.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor

from components.core.attribution.groups import of_time
from components.core.attribution.target import Target, is_input, of_tensors, record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.modalities import listed
from components.explain import encoders, planar
from components.explain.joined import joined
from components.explain.lots import Index, lots, segments_of, stored, tiled
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "grad_cam"
TITLE = "Grad-CAM"
ORDER = 50


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where it does."""
    return "" if encoders.all_have(subject) or planar.mapped(subject) else encoders.NONE


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: one pass with gradient for each map."""
    del config
    return 3.0 * max(1, len(planar.mapped(subject)))


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return what speaks for the event in each segment, region or patch; never negative."""
    del config
    own = _lot if encoders.all_have(subject) else _planar_lot
    return joined([own(subject, lot) for lot in lots(subject, index)])


def _lot(subject: Subject, lot: Index) -> Attributed:
    batch = subject.batch(lot)
    maps = torch.stack([_network(own, batch) for own in subject.target.each()])
    positive = (maps.mean(0).relu() * encoders.in_record(batch)).cpu().numpy()
    longest = max(encoders.stride(encoders.only(own)) for own in subject.target.each())
    return Attributed(
        grouped={"segment": of_time(positive, segments_of(subject, lot))},
        remark=_remark(longest / subject.fs),
    )


def _planar_lot(subject: Subject, lot: Index) -> Attributed:
    batch, every = subject.batch(lot), planar.mapped(subject)
    values = {name: _positive(subject, batch, name) for name in every}
    return Attributed(
        grouped=tiled(subject, batch, values),
        values=stored(batch, values),
        remark=_planar_remark(every),
    )


def _positive(subject: Subject, batch: Batch, name: str) -> npt.NDArray[np.float32]:
    """Return maps in the shape of the batch's tensor, a picture's in the first of its channels."""
    there = (batch[f"{name}_mask"] > 0).nonzero()[:, 0]
    found = torch.zeros_like(batch[name])
    if len(there):
        own = {key: value[there] for key, value in batch.items() if is_input(key)}
        maps = [planar_map(each, own, name) for each in subject.target.each()]
        mean = torch.stack(maps).mean(0).relu()
        if name == "ecg_image":
            found[there, 0] = mean[:, 0]
        else:
            found[there] = mean
    return found.float().cpu().numpy()


def planar_map(target: Target, batch: Batch, name: str) -> Tensor:
    """Return a network's map of records that all have the modality, negative values kept.

    Args:
        target: of one network.
        batch: `n` finished records.
        name: of the modality.

    Returns:
        `[n, 1, H, W]` of pictures; `[n, W, M, T]` of sounds, 0 where there is no window.
    """
    f = of_tensors(target, batch, (name,))
    found = LayerGradCam(f, planar.only(target, name)).attribute(
        batch[name], additional_forward_args=(record_numbers(batch),)
    )
    size = (batch[name].shape[-2], batch[name].shape[-1])
    maps = planar.spread(cast(Tensor, found).detach()[:, 0], size)
    valid = batch.get(f"{name}_valid")
    if name == "ecg_image":
        return maps[:, None]
    # The branch reads the windows that are there, record after record.
    there = batch[name].new_ones(batch[name].shape[:2]) if valid is None else valid
    whole = torch.zeros_like(batch[name])
    whole[(there > 0).nonzero(as_tuple=True)] = maps
    return whole


def _planar_remark(names: tuple[str, ...]) -> str:
    return (
        f"Of {listed(names)}. Unsigned: only what speaks for the event is kept, and its amount is "
        "not complete, so that one input's cannot be compared with another's. A step of the last "
        "convolution is wide: the map says roughly where."
    )


def _remark(seconds: float) -> str:
    return (
        "Unsigned: only what speaks for the event is kept, and its amount is not complete. Leads "
        f"cannot be told apart, and a step of the last convolution is {1000 * seconds:.0f} ms "
        "long: where that is more than a segment, the segments cannot be told apart either."
    )


def _network(target: Target, batch: Batch) -> Tensor:
    """Return `[B, L]` a network's map, before negative values are cut off."""
    own = encoders.only(target)
    found = LayerGradCam(of_tensors(target, batch, ("ecg",)), own.blocks[-1]).attribute(
        batch["ecg"], additional_forward_args=(record_numbers(batch),)
    )
    steps = cast(Tensor, found).detach().squeeze(2)
    stride = encoders.stride(own)
    samples = LayerAttribution.interpolate(steps, (steps.shape[-1] * stride,), "linear")
    # A step's amount is shared by its samples, so that networks of different strides can be added.
    return samples[:, 0, : batch["ecg"].shape[-1]] / stride
