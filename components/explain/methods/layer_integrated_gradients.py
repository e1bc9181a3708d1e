"""Layer Integrated Gradients of the first layer: the ECG's convolution, the events' projection.

Integrated Gradients (Sundararajan, Taly and Yan 2017, ICML, 70:3319) along the path of that
layer's output, from its answer to the baseline to its answer to the record.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn

from components.core.attribution.event_groups import cells_of, of_events
from components.core.attribution.groups import of_time
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.modalities import EVENTS
from components.explain import encoders
from components.explain.joined import joined
from components.explain.lots import Index, at_once, lots, segments_of, stored
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "layer_ig"
TITLE = "Layer Integrated Gradients"
ORDER = 20
_REMARK = (
    "Of the first convolution's output: it mixes the leads, so there are segments alone. They add "
    "up to log-odds − log-odds with a trace at 0 mV, the other inputs left as they are."
)
_EVENTS_REMARK = (
    "Of the events' projection, the first layer. They add up to log-odds − log-odds with the "
    "baseline of the events, the other inputs left as they are. A projection is linear: each event "
    "gets what Integrated Gradients would give it were the table no input."
)


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where it does."""
    fits = encoders.all_have(subject) or encoders.all_read_events(subject)
    return "" if fits else f"{encoders.NONE}, nor any that reads events"


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost: a pass with gradient a step, both ends for the layer and for the error."""
    del subject
    return 3.0 * config.steps + 4


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return attributions of segments, or of single events."""
    own = _lot if encoders.all_have(subject) else _events
    return joined([own(subject, lot, config) for lot in lots(subject, index)])


def _events(subject: Subject, lot: Index, config: ExplainConfig) -> Attributed:
    batch = subject.batch(lot)
    there = batch["events_mask"] > 0
    steps, error = torch.zeros_like(batch["events_hours"]), torch.zeros_like(batch["events_mask"])
    if bool(there.any()):
        # The projection sees no record without events, and so has no path for one.
        some = {key: own[there] for key, own in batch.items()}
        baseline = subject.baselines(some)[EVENTS]
        networks = subject.target.each()
        found = [_projected(own, some, baseline, steps=config.steps) for own in networks]
        steps[there] = torch.stack([own for own, _ in found]).mean(0).to(steps.dtype)
        error[there] = torch.stack([own for _, own in found]).mean(0).to(error.dtype)
    values = {EVENTS: steps[:, :, None].cpu().numpy()}
    return Attributed(
        grouped=of_events(values[EVENTS][:, :, 0], cells_of(batch).cpu().numpy()),
        values=stored(batch, values),
        error=error.double().cpu().numpy(),
        over=(EVENTS,),
        remark=_EVENTS_REMARK,
    )


def _projected(
    target: Target, batch: Batch, baseline: Tensor, *, steps: int
) -> tuple[Tensor, Tensor]:
    """Return `[B, S]` attributions of events and `[B]` the error of completeness."""
    layer = encoders.projection(target)
    values, delta = _attributed(target, layer, batch, (EVENTS, baseline), steps=steps)
    return values.sum(2), delta


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
    values, delta = _attributed(target, own.stem, batch, ("ecg", baseline), steps=steps)
    return encoders.spread(values.sum((1, 2)), encoders.in_record(batch)), delta


def _attributed(
    target: Target, layer: nn.Module, batch: Batch, start: tuple[str, Tensor], *, steps: int
) -> tuple[Tensor, Tensor]:
    """Return a layer's attributions `[B, …]` and `[B]` the error of completeness.

    Args:
        target: of one network.
        layer: of it.
        batch: `B` finished records.
        start: an input, and its baseline, from which the path begins.
        steps: of the path.
    """
    key, baseline = start
    method = LayerIntegratedGradients(of_tensors(target, batch, (key,)), layer)
    found = method.attribute(
        batch[key],
        baselines=baseline,
        additional_forward_args=(record_numbers(batch),),
        n_steps=steps,
        internal_batch_size=at_once(batch) * len(baseline),
        return_convergence_delta=True,
    )
    values, delta = cast(tuple[Tensor, Tensor], found)
    return values.detach(), delta.detach()
