"""Integrated Gradients of all inputs together (Sundararajan, Taly and Yan 2017, ICML, 70:3319)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from components.core.attribution.fast.integrate import INTERNAL, integrated_gradients
from components.core.attribution.target import of_tensors, record_numbers
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.modalities import ARRAYS, EVENTS
from components.explain.joined import joined
from components.explain.lots import Index, at_once, grouped, lots, stored
from components.explain.method import Attributed
from components.explain.subject import Subject

NAME = "ig"
TITLE = "Integrated Gradients"
ORDER = 10
_REMARK = (
    "Each value is the part of log-odds − log-odds of the baseline that Integrated Gradients "
    "gives to a group; over all groups they add up to it."
)


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where the networks have any input."""
    return "" if subject.inputs else "it has no input"


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the cost of a record: a pass with gradient a step, and both ends of the path."""
    del subject
    return 3.0 * config.steps + 2


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return attributions of samples, columns, blocks of a picture or a sound, single events."""
    return joined([_lot(subject, lot, config) for lot in lots(subject, index)])


def _lot(subject: Subject, lot: Index, config: ExplainConfig) -> Attributed:
    batch = subject.batch(lot)
    baselines = subject.baselines(batch)
    if config.arithmetic == "bf16":
        size = INTERNAL[subject.place.device]
        found, error = integrated_gradients(
            subject.target, batch, baselines, steps=config.steps, internal_batch=size,
            precision="bf16",
        )  # fmt: skip
    else:
        found, error = attributions(subject.target, batch, baselines, steps=config.steps)
    values = {name: own.float().cpu().numpy() for name, own in found.items()}
    return Attributed(
        grouped=grouped(subject, lot, batch, values),
        values=stored(batch, values),
        error=error.double().cpu().numpy(),
        remark=_REMARK,
    )


def attributions(
    target: nn.Module, batch: Batch, baselines: Batch, *, steps: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Return modality → attributions, and `[B]` the error of completeness.

    Args:
        target: batch → `[B]` log-odds.
        batch: `B` finished records.
        baselines: modality → where the path begins; these modalities are attributed.
        steps: of the path, at the points of Gauss and Legendre.
    """
    keys = tuple(baselines)
    found, delta = IntegratedGradients(_attached(of_tensors(target, batch, keys), keys)).attribute(
        tuple(batch[key] for key in keys),
        baselines=tuple(baselines[key] for key in keys),
        additional_forward_args=(record_numbers(batch),),
        n_steps=steps,
        internal_batch_size=at_once(batch) * len(record_numbers(batch)),
        return_convergence_delta=True,
    )
    return {key: own.detach() for key, own in zip(keys, found, strict=True)}, delta.detach()


def _attached(f: Callable[..., Tensor], keys: tuple[str, ...]) -> Callable[..., Tensor]:
    """Return `f` with a gradient for every tensor, 0 where no record of the lot has a modality.

    Captum wants each tensor to have been used; a branch that nobody's modality goes through uses
    none. Without pictures, sounds or events every tensor is used, and `f` is as it was.
    """
    if not {*ARRAYS, EVENTS} & set(keys):
        return f

    def g(*tensors: Tensor) -> Tensor:
        return f(*tensors) + sum(0 * own.flatten(1).sum(1) for own in tensors[:-1])

    return g
