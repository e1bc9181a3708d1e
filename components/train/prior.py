"""Both classes equally often, and the prior that this hides taken back.

Drawing changes how common the classes are and nothing within them, so the log-odds that a network
learns differ from those at the true prior by one constant, ln(negatives / positives) (Elkan,
IJCAI 2001, theorem 2). That constant is added to the primary head's logits in the training loss
alone (logit adjustment; Menon et al., ICLR 2021, arXiv 2007.07314), and its last bias begins that
much lower. So training sees what it would have seen, while the network itself,
in validation, in every checkpoint and once saved, answers at the true prior.

Weights by inverse probability of censoring stay in the loss, where they are already: drawing by
them, too, would count them twice, and within a class they must not change who is drawn. The
other heads' losses know no such weights at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from components.core.config.heads import ClassesHead, HeadConfig
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.heads.known import binary_truth
from components.core.heads.registry import View, head_file
from components.core.models.blocks.mlp import Heads

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Classes of the primary head's binary view in a training part.

    Attributes:
        records: all of them.
        negatives: known not to have the event.
        positives: known to have it.
    """

    records: int
    negatives: int
    positives: int

    @property
    def shift(self) -> float:
        """Return by how much log-odds learned from balanced draws exceed the true ones."""
        return math.log(self.negatives / self.positives)


def counts_of(view: View, train: Rows) -> Counts:
    """Return how common the classes of a head's binary view are."""
    truth = binary_truth(view.name, view.head, train.frame).dropna()
    positives = int(truth.sum())
    return Counts(records=len(train), negatives=len(truth) - positives, positives=positives)


def chances(view: View, train: Rows) -> Floats:
    """Return `[n]` chances of each record per draw, summing to 1.

    Both classes together and those of unknown truth (who teach other heads) keep their shares.
    """
    truth = binary_truth(view.name, view.head, train.frame).to_numpy(np.float64, na_value=np.nan)
    each = np.full(len(truth), 1 / len(truth))
    known = np.isfinite(truth)
    for label in (0, 1):
        own = truth == label
        each[own] = known.sum() / (2 * len(truth) * own.sum())
    return each / each.sum()


class TruePrior:
    """Takes the shift of balanced draws back from the primary head.

    Args:
        view: the primary head.
        model: freshly initialised; the last bias of that head is lowered by the shift.
        train: the training part.

    Raises:
        ConfigError: the head is not of two classes, one class is missing, or the model's heads
            have no bias to put the shift into.
    """

    def __init__(self, view: View, model: nn.Module, train: Rows) -> None:
        check_two_classes(view.name, view.head, "fit.sampler=balanced")
        counts = counts_of(view, train)
        if not (counts.negatives and counts.positives):
            raise ConfigError(
                f"fit.sampler=balanced draws both classes of '{view.name}', but the training part "
                "has one only; bring more data or set fit.sampler=none"
            )
        outputs = head_file(view.head).outputs(view.head)
        half = counts.shift / 2
        self._name = view.name
        self._offset = torch.tensor([-half, half] if outputs == 2 else [counts.shift])
        with torch.no_grad():
            _last(model, view.name).bias.sub_(self._offset)

    def as_drawn(self, logits: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits with those of the primary head as balanced draws make them."""
        own = logits[self._name]
        return {**logits, self._name: own + self._offset.to(own.device, own.dtype)}


def check_two_classes(name: str, head: HeadConfig, setting: str) -> None:
    """Refuse a setting that needs a primary head of two classes.

    Raises:
        ConfigError: naming the head, its kind and the setting.
    """
    two = isinstance(head, ClassesHead) and len(head.classes) == 2
    if head.kind != "binary" and not two:
        raise ConfigError(
            f"{setting} needs a primary head of two classes; '{name}' is of the kind "
            f"'{head.kind}'; leave the setting out or make a binary head the primary one"
        )


def _last(model: nn.Module, name: str) -> nn.Linear:
    heads = getattr(model, "heads", None)
    if not isinstance(heads, Heads):
        raise ConfigError(
            f"fit.sampler=balanced takes the prior's shift back from the last bias of '{name}', "
            f"but a {type(model).__name__} has none; set fit.class_weights=balanced instead"
        )
    return cast(nn.Linear, cast(nn.Sequential, heads.heads[name])[-1])
