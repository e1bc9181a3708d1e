"""Class weights of a training part and means over the records whose truth is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.config.fit import FitConfig

Floats = npt.NDArray[np.float64]


def class_weights(y: npt.NDArray[np.int64], weight: Floats, classes: int, fit: FitConfig) -> Floats:
    """Return `[classes]` weights whose mean over the training part is 1.

    So the learning rate keeps its meaning whatever the weights.

    Args:
        y: `[n]` class of each known record.
        weight: `[n]` of each record (inverse probability of censoring).
        classes: how many there are.
        fit: `balanced` gives every class the same total weight, `none` every record, or two
            numbers for (negative, positive).
    """
    if isinstance(fit.class_weights, tuple) and classes == len(fit.class_weights):
        each = np.array(fit.class_weights, dtype=np.float64)
    elif fit.class_weights == "none" or isinstance(fit.class_weights, tuple):
        each = np.ones(classes)
    else:
        total = np.bincount(y, weights=weight, minlength=classes)
        each = np.divide(weight.sum(), classes * total, out=np.zeros(classes), where=total > 0)
    pair = each.astype(np.float32)
    return pair.astype(np.float64) / float(np.mean(weight * pair[y]))


def evened_out(y: npt.NDArray[np.int64], classes: int, fit: FitConfig) -> tuple[float, ...] | None:
    """Return the share of each class where the loss gives all the same weight; None elsewhere."""
    if fit.class_weights != "balanced" or y.size == 0:
        return None
    return tuple((np.bincount(y, minlength=classes) / y.size).tolist())


def mean_of_known(each: Tensor, known: Tensor) -> Tensor:
    """Return the mean of `[B]` losses over the known records; 0, with a gradient, where none is."""
    if bool(known.all()):
        return each.mean()
    if not bool(known.any()):
        return (each * 0).sum()
    return each[known].mean()


def without_gaps(truth: Tensor, known: Tensor) -> Tensor:
    """Return `[B]` truths with 0 where nothing is known, so that no NaN enters a gradient."""
    return torch.where(known, truth, torch.zeros_like(truth))
