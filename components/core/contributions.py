"""What each modality of a network of branches contributes, measured on records.

Shapes: n records, H hidden width. Encoders, which cost the most, run once; every subset of the
modalities is then one pass of the fused heads, the tokens of absent modalities put in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from components.core.contribution_facts import Network, key_of
from components.core.data.batches import raw_batch
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.heads.known import binary_truth
from components.core.heads.registry import View
from components.core.metrics.contribution import CHANCE_AUROC, Subset, subsets
from components.core.metrics.discrimination import auroc
from components.core.metrics.patients import Patients, by_patient
from components.core.predict import to_device

# As many as scikit-learn's permutation_importance repeats by default.
REPEATS = 5
_BATCH = 128
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


class Branched(Protocol):
    """A network with a branch per modality and heads on all of them."""

    branches: nn.ModuleDict

    def encode(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return modality → `[B, H]`, the token where a record lacks it."""
        ...

    def fused(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        ...

    def absent(self, name: str) -> Tensor:
        """Return `[H]` the token of a modality."""
        ...


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Records after their branches.

    Attributes:
        parts: modality → `[n, H]`, the token where a record lacks it.
        there: modality → `[n]` whether a record has it.
    """

    parts: dict[str, Tensor]
    there: dict[str, Bools]


def fusing(model: nn.Module) -> Branched | None:
    """Return the model where it fuses branches, one or more, else None."""
    parts = ("encode", "fused", "absent")
    has = all(callable(getattr(model, name, None)) for name in parts)
    return cast(Branched, model) if has else None


def branched(model: nn.Module) -> Branched | None:
    """Return the model where it has several branches, else None."""
    found = fusing(model)
    return found if found is not None and len(found.branches) > 1 else None


def untaught(model: Branched) -> tuple[str, ...]:
    """Return the modalities whose token was never learned.

    A token begins at zeros, and where no record of the training lacked the modality it has no
    gradient; a single step with one moves it.
    """
    return tuple(name for name in model.branches if not bool(model.absent(name).any()))


def encoded(model: Branched, rows: Rows, *, device: str) -> Encoded:
    """Return all records after their branches, in the order of the rows, in fp32.

    No generator is drawn from: a training that is watched goes on as one that is not.

    Args:
        model: on the device, in evaluation mode.
        rows: n records.
        device: that computes.
    """
    finish = Finisher(rows.stats)
    parts: dict[str, list[Tensor]] = {name: [] for name in model.branches}
    there: dict[str, list[Bools]] = {name: [] for name in model.branches}
    with torch.no_grad():
        for first in range(0, len(rows), _BATCH):
            index = np.arange(first, min(first + _BATCH, len(rows)), dtype=np.int64)
            batch = finish(to_device(raw_batch(rows, index), device))
            for name, part in model.encode(batch).items():
                parts[name].append(part.float())
                mask = batch.get(f"{name}_mask")
                own = np.ones(len(index), np.bool_) if mask is None else (mask > 0).cpu().numpy()
                there[name].append(own)
    return Encoded(
        parts={name: torch.cat(found) for name, found in parts.items()},
        there={name: np.concatenate(found) for name, found in there.items()},
    )


def measure(
    model: nn.Module,
    rows: Rows,
    *,
    view: View,
    device: str,
    fold: str,
    seed: int,
    epoch: int,
) -> Network:
    """Return what the modalities contribute to a head's AUROC over the patients of `rows`.

    Args:
        model: of several branches, on the device; it is left in the mode it was in.
        rows: of the validation part.
        view: the head.
        device: that computes.
        fold: its name, for the answer.
        seed: of the training; with `epoch` it draws who is shuffled with whom.
        epoch: that the weights are of, from 0.

    Raises:
        ValueError: the model has no several branches.
    """
    own = branched(model)
    if own is None:
        raise ValueError("contributions need a network of several branches")
    training = model.training
    model.eval()
    judge = _Judge(own, encoded(own, rows, device=device), rows, view)
    found = judge.network(fold=fold, seed=seed, epoch=epoch)
    model.train(training)
    return found


class _Judge:
    """Patient-level figures of one network on encoded records.

    Args:
        model: the network.
        data: n encoded records.
        rows: the same records.
        view: the head that is judged.
    """

    def __init__(self, model: Branched, data: Encoded, rows: Rows, view: View) -> None:
        self._model, self._data, self._view = model, data, view
        label = binary_truth(view.name, view.head, rows.frame)
        self._frame = rows.frame[["patient_id", "weight"]].assign(label=label)
        self._patients, _ = pd.factorize(self._frame["patient_id"])

    def network(self, *, fold: str, seed: int, epoch: int) -> Network:
        """Return all figures."""
        own = {key_of(each): self._auroc(each) for each in subsets(self._data.parts)}
        every = self.patients(self._data.parts)
        right = (every.logit >= 0) == (every.label == 1)
        prevalence = float(np.average(every.label, weights=every.weight))
        whole = self._ranked(self._data.parts)
        return Network(
            fold=fold,
            seed=seed,
            epoch=epoch,
            subsets=own,
            fall={
                name: whole - self._shuffled(name, (seed, epoch, place))
                for place, name in enumerate(self._data.parts)
            },
            accuracy=math.nan
            if math.isnan(whole)
            else float(np.average(right, weights=every.weight)),
            constant=max(prevalence, 1 - prevalence),
            untaught=untaught(self._model),
            nowhere=tuple(name for name, there in self._data.there.items() if not there.any()),
        )

    def patients(self, parts: Mapping[str, Tensor]) -> Patients:
        """Return the patients' logits from the parts."""
        with torch.no_grad():
            logits = self._model.fused(dict(parts))
        logit = self._view.log_odds(logits).double().cpu().numpy()
        return by_patient(self._frame.assign(logit=logit))

    def _auroc(self, kept: Subset) -> float:
        if not kept:
            return CHANCE_AUROC
        return self._ranked({name: part if name in kept else self._token(name, part)
                             for name, part in self._data.parts.items()})  # fmt: skip

    def _token(self, name: str, part: Tensor) -> Tensor:
        return self._model.absent(name).to(part.dtype).expand_as(part)

    def _ranked(self, parts: Mapping[str, Tensor]) -> float:
        found = self.patients(parts)
        if not np.isfinite(found.logit).all():
            return math.nan  # the training has diverged, and says so itself
        return auroc(found.label, found.logit, found.weight)

    def _shuffled(self, name: str, seed: Sequence[int]) -> float:
        """Return the mean AUROC over shuffles of one modality."""
        rng = np.random.default_rng(seed)
        part, there = self._data.parts[name], self._data.there[name]
        figures: list[float] = []
        for _ in range(REPEATS):
            source = donors(self._patients, there, rng)
            moved = part[torch.from_numpy(source).to(part.device)]
            figures.append(self._ranked({**self._data.parts, name: moved}))
        return float(np.mean(figures))


def donors(patients: Indices, there: Bools, rng: np.random.Generator) -> Indices:
    """Return `[n]` from which record each takes a modality, when patients are shuffled whole.

    A patient takes all of one other's, over again where that one has fewer records; who lacks the
    modality neither gives nor takes.

    Args:
        patients: `[n]` number of each record's patient.
        there: `[n]` whether a record has the modality.
        rng: draws who takes from whom.
    """
    source = np.arange(len(patients), dtype=np.int64)
    rows = np.flatnonzero(there)
    if not len(rows):
        return source
    rows = rows[np.argsort(patients[rows], kind="stable")]
    _, start, own, count = np.unique(
        patients[rows], return_index=True, return_inverse=True, return_counts=True
    )
    place = np.arange(len(rows)) - start[own]
    giver = rng.permutation(len(start))[own]
    source[rows] = rows[start[giver] + place % count[giver]]
    return source
