"""Grad-CAM of the ECG encoder's last convolution (Selvaraju et al. 2017, ICCV, 618).

A map of each network is brought to samples; their mean, where positive, is the answer.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor

from components.core.attribution.groups import of_time
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.explain import encoders
from components.explain.joined import joined
from components.explain.lots import Index, lots, segments_of
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "grad_cam"
TITLE = "Grad-CAM"
ORDER = 50


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where it does."""
    return "" if encoders.all_have(subject) else encoders.NONE


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: one pass with gradient."""
    del subject, config
    return 3.0


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return what speaks for the event in each segment; never negative."""
    del config
    return joined([_lot(subject, lot) for lot in lots(index)])


def _lot(subject: Subject, lot: Index) -> Attributed:
    batch = subject.batch(lot)
    maps = torch.stack([_network(own, batch) for own in subject.target.each()])
    positive = (maps.mean(0).relu() * encoders.in_record(batch)).cpu().numpy()
    longest = max(encoders.stride(encoders.only(own)) for own in subject.target.each())
    return Attributed(
        grouped={"segment": of_time(positive, segments_of(subject, lot))},
        remark=_remark(longest / subject.fs),
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
