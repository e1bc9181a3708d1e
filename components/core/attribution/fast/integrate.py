"""Integrated Gradients over many records at once.

Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017: (x − b) times
the mean gradient on the straight path from the baseline b to x. The path is Captum's default,
Gauss-Legendre, so in float32 the results are its results; what differs is what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from components.core.attribution.fast.prepared import Prepared, entered, prepared
from components.core.attribution.target import Target
from components.core.data.batches import Batch
from components.core.device import native_bf16
from components.core.errors import ConfigError
from components.core.heads.registry import View

Precision = Literal["fp32", "bf16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Forward and backward of so many ECGs at once. CPU: of 8 to 100, 50 and 100 were the fastest at
# 8×2500 and 50 at 8×5000 (docs/LOG.md). CUDA: the steps of 32 records, not measured.
INTERNAL = {"cpu": 50, "cuda": 1600}


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Where gradients are taken, and what each counts.

    Attributes:
        alphas: `[S]` shares of the way from the baseline to the input, in (0, 1).
        weights: `[S]`, of sum 1.
    """

    alphas: tuple[float, ...]
    weights: tuple[float, ...]

    def slices(self, size: int) -> Iterator[Quadrature]:
        """Yield parts of at most `size` steps."""
        for at in range(0, len(self.alphas), size):
            yield Quadrature(self.alphas[at : at + size], self.weights[at : at + size])


def gauss_legendre(steps: int) -> Quadrature:
    """Return the nodes and weights of Gauss-Legendre quadrature on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return Quadrature(tuple(((1 + nodes) / 2).tolist()), tuple((weights / 2).tolist()))


def fast_attributions(
    target: Target, batch: Batch, baselines: Batch, steps: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Return `integrated_gradients` with the size and precision that suit the device.

    bf16 where the device multiplies it natively, else fp32.
    """
    device = next(iter(baselines.values())).device.type
    precision: Precision = "bf16" if native_bf16(device) else "fp32"
    return integrated_gradients(
        target, batch, baselines,
        steps=steps, internal_batch=INTERNAL[device], precision=precision,
    )  # fmt: skip


def integrated_gradients(
    target: Target,
    batch: Batch,
    baselines: Batch,
    *,
    steps: int,
    internal_batch: int,
    precision: Precision = "fp32",
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the attributions of `B` records, and by how much they miss completeness.

    Args:
        target: of a fold's networks, which are left untouched.
        batch: `B` finished records.
        baselines: modality → baseline in the shape of the batch's tensor; those are attributed.
        steps: of the path.
        internal_batch: records × steps that are held in memory at once; fewer steps than all of a
            record's where it is smaller, several records where it is larger.
        precision: of the ECG encoder's convolutions.

    Returns:
        Modality → attributions in log-odds, in the shape of the batch's tensor; and `[B]` their
        sum − (log-odds − log-odds of the baseline), the log-odds being those of `target` itself.

    Raises:
        ConfigError: `steps` or `internal_batch` is below 1.
    """
    for name, value in (("steps", steps), ("internal_batch", internal_batch)):
        if value < 1:
            raise ConfigError(f"{name} is {value}, but a path has at least 1 point; raise it")
    networks = [prepared(each, dtype=_DTYPES[precision]) for each in target.models]
    path = gauss_legendre(steps)
    found = {key: torch.zeros_like(batch[key]) for key in baselines}
    records = len(next(iter(found.values())))
    for rows in _slices(records, max(1, internal_batch // steps)):
        own, base = _rows(batch, rows), _rows(baselines, rows)
        for network in networks:
            for key, part in _one(network, target.view, own, base, path, internal_batch).items():
                found[key][rows] += part / len(networks)
    errors = [
        _error(target, _rows(batch, rows), _rows(baselines, rows), _rows(found, rows))
        for rows in _slices(records, internal_batch)
    ]
    return found, torch.cat(errors)


def _slices(length: int, size: int) -> Iterator[slice]:
    for at in range(0, length, size):
        yield slice(at, min(at + size, length))


def _rows(batch: Batch, rows: slice) -> Batch:
    return {key: value[rows] for key, value in batch.items()}


def _error(target: Target, batch: Batch, baselines: Batch, found: Batch) -> Tensor:
    """Return `[R]` sum of the attributions − what the target gains over the baseline."""
    with torch.no_grad():
        gained = target(batch) - target({**batch, **baselines})
    return torch.stack([part.flatten(1).sum(1) for part in found.values()]).sum(0) - gained


def _one(
    network: Prepared, view: View, batch: Batch, baselines: Batch, path: Quadrature, internal: int
) -> Batch:
    """Return a network's attributions of few records."""
    end = entered(network, batch)
    start = entered(network, baselines)
    total = {key: torch.zeros_like(value) for key, value in start.items()}
    for part in path.slices(internal):
        for key, gradient in _gradients(network, view, start, end, part).items():
            total[key] += gradient
    return {
        key: network.leave(key, batch[key], gradient) * (batch[key] - baselines[key])
        for key, gradient in total.items()
    }


def _gradients(network: Prepared, view: View, start: Batch, end: Batch, path: Quadrature) -> Batch:
    """Return the weighted sum over some steps of the gradients, `[R, ...]` each."""
    steps = len(path.alphas)
    points: Batch = {}
    for key, value in start.items():
        way = network.on_path(key, end[key] - value)
        points[key] = _points(network.on_path(key, value), way, path)
    rest = {key: v.repeat_interleave(steps, 0) for key, v in end.items() if key not in points}
    with torch.enable_grad():
        said = view.log_odds(network.network({**rest, **points}))
        weights = said.new_tensor(path.weights).repeat(len(said) // steps)
        found = torch.autograd.grad(said, list(points.values()), weights, materialize_grads=True)
    return {
        key: gradient.unflatten(0, (-1, steps)).sum(1).float()
        for key, gradient in zip(points, found, strict=True)
    }


def _points(start: Tensor, way: Tensor, path: Quadrature) -> Tensor:
    """Return `[R · S, ...]`, the steps of the first record, then those of the second."""
    made = start.new_empty((len(start), len(path.alphas), *start.shape[1:]))
    for step, alpha in enumerate(path.alphas):
        torch.add(start, way, alpha=alpha, out=made[:, step])
    return made.flatten(0, 1).requires_grad_()
