"""Logits of rows by a model: the same path in training's validation, in evaluate and in serving."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.core.data.batches import Batch, by_length, loader
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.device import Place
from components.core.heads.registry import View

Floats = npt.NDArray[np.float64]
_BATCH = 128


def predict(
    model: nn.Module, rows: Rows, *, head: View, place: Place, batch: int = _BATCH
) -> Floats:
    """Return `[n]` log-odds of a head's binary view of every row, in the order of the rows."""
    logits = predict_logits(model, rows, place=place, batch=batch)
    return head.log_odds({name: torch.from_numpy(v) for name, v in logits.items()}).double().numpy()


def predict_logits(
    model: nn.Module, rows: Rows, *, place: Place, batch: int = _BATCH
) -> dict[str, npt.NDArray[np.float32]]:
    """Return head → `[n, k]` logits of every row, in fp32, in the order of the rows."""
    finish = Finisher(rows.stats)
    model = model.to(place.device).eval()
    parts: dict[str, list[npt.NDArray[np.float32]]] = {}
    order = by_length(rows)
    for raw in loader(rows.take(order) if rows.events is not None else rows, batch=batch):
        for name, logits in forward(model, raw, finish=finish, place=place).items():
            parts.setdefault(name, []).append(logits.numpy())
    back = np.argsort(order)
    return {name: np.concatenate(found)[back] for name, found in parts.items()}


def forward(model: nn.Module, raw: Batch, *, finish: Finisher, place: Place) -> Batch:
    """Return head → `[B, k]` logits of a raw batch, float32 on the CPU."""
    with torch.no_grad():
        ready = finish(to_device(raw, place.device))
        return {name: logits.float().cpu() for name, logits in model(ready).items()}


def to_device(batch: Batch, device: str) -> Batch:
    """Return the batch with every tensor on the device."""
    return {key: value.to(device, non_blocking=True) for key, value in batch.items()}
