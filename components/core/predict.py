"""Logits of rows by a model: the same path in training's validation, in evaluate and in serving."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.core.data.batches import Batch, Normaliser, loader
from components.core.data.cohort import Rows
from components.core.device import Place

_BATCH = 128


def predict(
    model: nn.Module, rows: Rows, *, head: str, place: Place, batch: int = _BATCH
) -> npt.NDArray[np.float64]:
    """Return `[n]` logit₁ − logit₀ of every row, in fp32, in the order of the rows."""
    norm = rows.stats.norm()
    normaliser = None if norm is None else Normaliser(norm)
    model = model.to(place.device).eval()
    out: list[npt.NDArray[np.float64]] = []
    for raw in loader(rows, batch=batch):
        out.append(answer(model, raw, normaliser=normaliser, head=head, place=place))
    return np.concatenate(out) if out else np.empty(0)


def answer(
    model: nn.Module, raw: Batch, *, normaliser: Normaliser | None, head: str, place: Place
) -> npt.NDArray[np.float64]:
    """Return `[B]` logit₁ − logit₀ of a raw batch by a model in evaluation mode."""
    with torch.no_grad():
        ready = to_device(raw, place.device)
        if normaliser is not None and "ecg" in ready:
            ready = normaliser(ready)
        logits = model(ready)[head].float()
        return (logits[:, 1] - logits[:, 0]).double().cpu().numpy()


def to_device(batch: Batch, device: str) -> Batch:
    """Return the batch with every tensor on the device."""
    return {key: value.to(device, non_blocking=True) for key, value in batch.items()}
