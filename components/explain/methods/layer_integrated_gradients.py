"""Layer Integrated Gradients of the ECG encoder's first convolution.

Integrated Gradients (Sundararajan, Taly and Yan 2017, ICML, 70:3319) along the path of that
convolution's output, from its answer to the baseline to its answer to the record.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from components.core.attribution.groups import of_time
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.explain import encoders
from components.explain.joined import joined
from components.explain.lots import Index, at_once, lots, segments_of
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "layer_ig"
TITLE = "Layer Integrated Gradients"
ORDER = 20
_REMARK = (
    "Of the first convolution's output: it mixes the leads, so there are segments alone. They add "
    "up to log-odds − log-odds with a trace at 0 mV, the other inputs left as they are."
)


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where it does."""
    return "" if encoders.all_have(subject) else encoders.NONE


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost: a pass with gradient a step, both ends for the layer and for the error."""
    del subject
    return 3.0 * config.steps + 4


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return attributions of segments."""
    return joined([_lot(subject, lot, config) for lot in lots(index)])


def _lot(subject: Subject, lot: Index, config: ExplainConfig) -> Attributed:
    batch = subject.batch(lot)
    ecg = subject.baselines(batch)["ecg"]
    found = [_network(own, batch, ecg, steps=config.steps) for own in subject.target.each()]
    samples = torch.stack([own for own, _ in found]).mean(0)
    error = torch.stack([own for _, own in found]).mean(0)
    return Attributed(
        grouped={"segment": of_time(samples.cpu().numpy(), segments_of(subject, lot))},
        error=error.double().cpu().numpy(),
        over=("ecg",),
        remark=_REMARK,
    )


def _network(
    target: Target, batch: Batch, baseline: Tensor, *, steps: int
) -> tuple[Tensor, Tensor]:
    """Return `[B, L]` attributions of samples and `[B]` the error of completeness."""
    own = encoders.only(target)
    method = LayerIntegratedGradients(of_tensors(target, batch, ("ecg",)), own.stem)
    found = method.attribute(
        batch["ecg"],
        baselines=baseline,
        additional_forward_args=(record_numbers(batch),),
        n_steps=steps,
        internal_batch_size=at_once(batch) * len(baseline),
        return_convergence_delta=True,
    )
    values, delta = cast(tuple[Tensor, Tensor], found)
    steps_of_stem = values.detach().sum((1, 2))
    return encoders.spread(steps_of_stem, encoders.in_record(batch)), delta.detach()
