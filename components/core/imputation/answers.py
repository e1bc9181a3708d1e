"""What models that impute say of records some of whose embeddings are hidden.

Several models (the seeds of a fold) answer as one: the mean of their means, with the SD of their
mixture. The mean of several models' pooled patches is itself pooled patches, by the mean of their
weights, so truth and imputation stay about the same thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.data.batches import Batch, raw_batch
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.device import Place
from components.core.imputation.vectors import Flags, Floats, Values, Vectors
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.imputing import Imputation, Imputing
from components.core.predict import to_device

Index = npt.NDArray[np.int64]
# As many as `core.predict` takes at once.
_BATCH = 128
# What a batch holds of a modality beside it.
_ABOUT = ("mask", "quality", "valid", "known")


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Imputations of `n` records.

    Attributes:
        mean: modality → `[n, W]`.
        sd: modality → `[n, W]` stated SD.
        rounds: `[R, n, M]` mean stated SD after each round of refinement.
    """

    mean: Values
    sd: Values
    rounds: Floats


def ready_batches(rows: Rows, place: Place) -> Iterator[tuple[Index, Batch, Batch]]:
    """Yield row numbers with their batch as it lies on disk and as networks take it in."""
    finish = Finisher(rows.stats)
    for start in range(0, len(rows), _BATCH):
        index = np.arange(start, min(start + _BATCH, len(rows)))
        raw = to_device(raw_batch(rows, index), place.device)
        yield index, raw, finish(raw)


def concealed(batch: Batch, hidden: Mapping[EmbeddingModality, Tensor]) -> Batch:
    """Return the batch as if what is hidden (modality → `[B]` bool) had never been recorded."""
    changed = dict(batch)
    for name, gone in hidden.items():
        for key in (name, *(f"{name}_{about}" for about in _ABOUT)):
            if key in batch:
                changed[key] = _where(gone, torch.zeros_like(batch[key]), batch[key])
    return changed


def filled(batch: Batch, name: EmbeddingModality, gone: Tensor, value: Tensor) -> Batch:
    """Return the batch with a modality's vectors in place of its own, as if they were recorded.

    Of several patches the first is the vector and the others are not there, so that pooling by
    mean, maximum or attention gives the vector itself.

    Args:
        batch: finished.
        name: of the modality.
        gone: `[B]` bool, whose vector is replaced.
        value: `[B, W]`.
    """
    own, mask = batch[name], batch[f"{name}_mask"]
    changed = dict(batch)
    if own.dim() > value.dim():
        patches = torch.zeros_like(own)
        patches[:, 0] = value.to(own.dtype)
        first = torch.zeros_like(batch[f"{name}_valid"])
        first[:, 0] = 1
        changed[f"{name}_valid"] = _where(gone, first, batch[f"{name}_valid"])
        value = patches
    changed[name] = _where(gone, value.to(own.dtype), own)
    changed[f"{name}_mask"] = _where(gone, torch.ones_like(mask), mask)
    for key in (f"{name}_quality", f"{name}_known"):
        if key in batch:
            changed[key] = _where(gone, torch.ones_like(batch[key]), batch[key])
    return changed


def _where(gone: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return torch.where(gone.reshape(-1, *[1] * (other.dim() - 1)), one, other)


def read_vectors(models: Sequence[Imputing], rows: Rows, place: Place) -> Vectors:
    """Return what the models would impute, as it is: patches are pooled by the models.

    Args:
        models: of one fold, in evaluation mode.
        rows: of a part of it.
        place: device of the models.
    """
    values: dict[EmbeddingModality, list[Floats]] = {}
    there: dict[EmbeddingModality, list[Flags]] = {}
    for _, raw, ready in ready_batches(rows, place):
        with torch.no_grad():
            said = [model.targets(ready) for model in models]
        for name in EMBEDDED:
            if name not in said[0]:
                continue
            has = (ready[f"{name}_mask"] > 0).cpu().numpy()
            mean = np.mean([each[name].double().cpu().numpy() for each in said], axis=0)
            known = _known(raw[name]) & has[:, None]
            values.setdefault(name, []).append(np.where(known, mean, np.nan))
            there.setdefault(name, []).append(has)
    names = tuple(values)
    return Vectors(
        names=names,
        entries={name: np.concatenate(parts) for name, parts in values.items()},
        there=np.stack([np.concatenate(there[name]) for name in names], axis=1),
        patient=rows.frame["patient_id"].to_numpy(np.str_),
    )


def _known(raw: Tensor) -> Flags:
    """Return `[B, W]`, or `[B, 1]` for patches, whose pooled entries are all known."""
    if raw.dim() > 2:
        return np.ones((len(raw), 1), np.bool_)
    return (~torch.isnan(raw)).cpu().numpy()


def impute(
    models: Sequence[Imputing],
    rows: Rows,
    place: Place,
    *,
    names: Sequence[EmbeddingModality],
    hidden: Flags | None = None,
) -> Answers:
    """Return what the models take every modality of the rows to be.

    Args:
        models: of one fold, in evaluation mode.
        rows: of a part of it.
        place: device of the models.
        names: the columns of `hidden`.
        hidden: `[n, M]` what is hidden from the models; None for nothing.
    """
    parts: list[Answers] = []
    for index, _, ready in ready_batches(rows, place):
        batch = ready
        if hidden is not None:
            gone = torch.from_numpy(hidden[index]).to(place.device)
            batch = concealed(ready, {name: gone[:, m] for m, name in enumerate(names)})
        with torch.no_grad():
            parts.append(_together([model.impute(batch) for model in models], names))
    return Answers(
        mean={name: np.concatenate([each.mean[name] for each in parts]) for name in names},
        sd={name: np.concatenate([each.sd[name] for each in parts]) for name in names},
        rounds=np.concatenate([each.rounds for each in parts], axis=1),
    )


def _together(said: Sequence[Imputation], names: Sequence[EmbeddingModality]) -> Answers:
    mean: dict[EmbeddingModality, Floats] = {}
    sd: dict[EmbeddingModality, Floats] = {}
    for name in names:
        each = np.stack([own.mean[name].double().cpu().numpy() for own in said])
        spread = np.stack([own.sd[name].double().cpu().numpy() for own in said])
        mean[name] = each.mean(axis=0)
        sd[name] = np.sqrt((spread**2).mean(axis=0) + each.var(axis=0))
    order = [said[0].modalities.index(name) for name in names]
    rounds = np.mean([own.rounds.double().cpu().numpy() for own in said], axis=0)
    return Answers(mean=mean, sd=sd, rounds=rounds[:, :, order])
