"""Networks of the same architecture that learned nothing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.core.attribution.target import Target
from components.explain.subject import Subject

_BATCH = 64
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# Any number that stays the same: it keeps this stream of seeds apart from all others.
_STREAM = 0x5EED


def drawn_seeds(seed: int, count: int) -> list[int]:
    """Return seeds under which networks are drawn, away from the small ones of trainings.

    `reset_parameters` under a training's own seed repeats that training's first weights, which the
    trained ones still resemble: such a network would not be without what was learned.

    >>> min(drawn_seeds(0, 3)) > 1_000_000
    True
    """
    streams = [np.random.SeedSequence([seed, number, _STREAM]) for number in range(count)]
    return [int(each.generate_state(1)[0]) for each in streams]


def redrawn(model: nn.Module, seed: int) -> nn.Module:
    """Return a copy with every parameter drawn anew.

    A module draws its own as it did when it was made (`reset_parameters`); a parameter of a module
    that cannot is drawn from a normal distribution of the trained values' root mean square.
    """
    drawn = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        done: set[int] = set()
        for module in drawn.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                done |= {id(each) for each in module.parameters(recurse=False)}
        for parameter in drawn.parameters():
            if id(parameter) not in done:
                size = parameter.square().mean().sqrt()
                parameter.copy_(torch.randn(parameter.shape).to(parameter) * size)
    return drawn.eval()


def settle(subject: Subject, index: npt.NDArray[np.int64]) -> None:
    """Estimate the statistics of the batch normalisations on some records.

    A network whose training begins normalises by its batch. With mean 0 and variance 1 instead,
    drawn weights would let residual branches fade and the answers become constants; with the
    trained statistics something learned would be left.
    """
    norms = [each for each in subject.target.modules() if isinstance(each, _NORMS)]
    if not norms:
        return
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.reset_running_stats()
        # None: the plain mean over batches.
        each.momentum = None
        each.train()
    for part in subject.parts(index, most=_BATCH):
        subject.log_odds(subject.batch(part))
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum
        each.eval()


def unlearned(
    subject: Subject, index: npt.NDArray[np.int64], seeds: Sequence[int]
) -> list[Subject]:
    """Return the same records with one drawn network each, of the architectures in turn."""
    models = list(subject.target.models)
    found: list[Subject] = []
    for number, seed in enumerate(seeds):
        target = Target([redrawn(models[number % len(models)], seed)], subject.target.view)
        found.append(replace(subject, target=target.eval()))
        settle(found[-1], index)
    return found
