"""Rows → batches: a `dict[str, Tensor]` per step, finished on the device that computes.

Keys: `ecg` `[B, leads, L]`, `ecg_lead_mask` `[B, leads]`, `ecg_valid` `[B, 2]` (only where a
record is padded), `ecg_mask` `[B]`, `tabular` `[B, F]`, `tabular_mask` `[B]` (where the cohort has arrays),
`text` `[B, W]` and `text_mask` `[B]`, of each array modality `<name>` `[B, …]`, `<name>_mask` `[B]`
and, where a record has several windows, `<name>_valid` `[B, W]`, of an embedding `<name>_quality`
`[B]` in [0, 1], `events` `[B, S, W]` with `events_valid` and `events_hours` `[B, S]` and
`events_mask` `[B]` (`core.data.event_input`), `label` `[B]` (only where every
label is known), `weight` `[B]`, and what heads learn from under its column's name (`y.<head>`,
`time_days`, `event_code`), NaN where it is not known.
The ECG travels as int16 counts and arrays as they are stored; `Finisher` makes float32 z-scores of
them on the device.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from components.core.data.arrays import ArrayPart, Arrays
from components.core.data.bucketed import Consecutive, LengthSampler
from components.core.data.cohort import Rows
from components.core.data.event_input import EventInput
from components.core.errors import InputError
from components.core.signals.normalise import NormStats

Batch = dict[str, Tensor]
Floats = npt.NDArray[np.float64]
# Steps of event sequences in a batch that is only predicted, padding included.
TOKENS = 32_768


def raw_batch(rows: Rows, index: npt.NDArray[np.int64]) -> Batch:
    """Return the named rows as they lie on disk."""
    batch: Batch = {}
    if rows.labelled:
        batch["label"] = torch.from_numpy(rows.label[index])
    if rows.labelled or rows.truths:
        batch["weight"] = torch.from_numpy(rows.weight[index].astype(np.float32))
    for name, values in rows.truths.items():
        batch[name] = torch.from_numpy(values[index])
    if rows.tabular.shape[1]:
        batch["tabular"] = torch.from_numpy(rows.tabular[index])
        # Where it is the only input, a patient without any field has each of them missing.
        if rows.arrays or rows.events is not None or rows.tabular_masked:
            there = rows.tabular_there[index].astype(np.float32)
            batch["tabular_mask"] = torch.from_numpy(there)
    if rows.text.shape[1]:
        batch["text"] = torch.from_numpy(rows.text[index])
        batch["text_mask"] = torch.from_numpy(rows.text_mask[index].astype(np.float32))
    batch |= array_batch(rows.arrays, index)
    if rows.events is not None:
        batch |= event_batch(rows.events, index)
    if rows.reader is not None:
        shard, row = rows.shard[index], rows.shard_row[index]
        counts = rows.reader.ecg(shard, row)
        batch["ecg"] = torch.from_numpy(counts)
        batch["ecg_scale"] = torch.from_numpy(rows.reader.scale(shard, row))
        mask = rows.reader.lead_mask(shard, row).astype(np.float32)
        batch["ecg_lead_mask"] = torch.from_numpy(mask)
        valid = rows.reader.valid(shard, row)
        if (valid[:, 1] - valid[:, 0] < counts.shape[-1]).any():
            batch["ecg_valid"] = torch.from_numpy(valid.astype(np.int64))
    return batch


def array_batch(arrays: Arrays, index: npt.NDArray[np.int64]) -> Batch:
    """Return the array modalities of the named rows as they lie on disk, with their masks."""
    batch: Batch = {}
    for name, part in arrays.items():
        batch |= _array_batch(name, part, index)
    return batch


def event_batch(events: EventInput, index: npt.NDArray[np.int64]) -> Batch:
    """Return the event sequences of the named records, padded to the longest of them."""
    steps = events.batch(index)
    return {
        "events": torch.from_numpy(steps.values),
        "events_valid": torch.from_numpy(steps.valid.astype(np.float32)),
        "events_hours": torch.from_numpy(steps.hours),
        "events_mask": torch.from_numpy(steps.valid.any(axis=1).astype(np.float32)),
    }


def _array_batch(name: str, part: ArrayPart, index: npt.NDArray[np.int64]) -> Batch:
    batch: Batch = {
        name: torch.from_numpy(part.values(index)),
        f"{name}_mask": torch.from_numpy(part.there[index].astype(np.float32)),
    }
    if part.quality is not None:
        batch[f"{name}_quality"] = torch.from_numpy(part.quality[index])
    valid = part.valid(index)
    if valid is not None:
        batch[f"{name}_valid"] = torch.from_numpy(valid.astype(np.float32))
    return batch


class Normaliser:
    """int16 counts → z-scores by the training statistics; padding and missing leads exactly 0."""

    def __init__(self, norm: NormStats) -> None:
        self._mean = torch.tensor(norm.mean, dtype=torch.float32)
        self._sd = torch.tensor(norm.sd, dtype=torch.float32)
        self._unseen = torch.tensor([count == 0 for count in norm.count])
        self._leads = norm.leads

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with `ecg` as float32 z-scores.

        Raises:
            InputError: a lead is there that the training part never had.
        """
        mask = batch["ecg_lead_mask"]
        if self._unseen.any():
            self._refuse_unseen(mask)
        device = mask.device
        sd, mean = self._sd.to(device), self._mean.to(device)
        gain = (batch["ecg_scale"] / sd)[:, :, None]
        # A copy even of float32 values: what was handed in stays as it was, for the next model.
        own = batch["ecg"].to(torch.float32, copy=True)
        ecg = own.mul_(gain).sub_((mean / sd)[None, :, None])
        real = real_mask(batch)
        if real is not None:
            ecg.mul_(real)
        kept = {key: value for key, value in batch.items() if key != "ecg_scale"}
        return {**kept, "ecg": ecg}

    def _refuse_unseen(self, mask: Tensor) -> None:
        bad = self._unseen.to(mask.device) & (mask > 0).any(0)
        if bad.any():
            names = [n for n, b in zip(self._leads, bad.tolist(), strict=True) if b]
            raise InputError(
                f"lead(s) {', '.join(names)} have values, but the training part never had them; "
                "mask them or train on recordings that have them"
            )


def real_mask(batch: Batch) -> Tensor | None:
    """Return `[B, leads, L or 1]`, 0 in padding and missing leads; None when everything is real."""
    mask = batch["ecg_lead_mask"]
    valid = batch.get("ecg_valid")
    if valid is None:
        return None if bool(mask.all()) else mask[:, :, None]
    time = torch.arange(batch["ecg"].shape[-1], device=mask.device)
    inside = (time >= valid[:, :1]) & (time < valid[:, 1:])
    return mask[:, :, None] * inside[:, None, :]


class _Indices(Dataset[Batch]):
    """A data set whose items are whole batches, named by their row numbers."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: list[int]) -> Batch:  # pyright: ignore[reportIncompatibleMethodOverride]
        return raw_batch(self._rows, np.asarray(index, dtype=np.int64))


class EpochSampler(Sampler[list[int]]):
    """Batches of row numbers in an order that depends on (seed, epoch) alone.

    A resumed run therefore sees what an uninterrupted one would have seen.

    Args:
        size: number of rows.
        batch: rows of a batch.
        seed: of the order.
        shuffle: a new order every epoch, without the short last batch.
        chances: `[size]`, summing to 1; an epoch then draws as many rows as there are, with
            replacement.
    """

    def __init__(
        self, size: int, *, batch: int, seed: int, shuffle: bool, chances: Floats | None = None
    ) -> None:
        super().__init__()
        self._size, self._batch, self._seed, self._shuffle = size, batch, seed, shuffle
        self._chances = chances
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        if self._shuffle:  # a last batch of one record would break batch normalisation
            return max(1, self._size // self._batch)
        return -(-self._size // self._batch)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._order()
        for step in range(len(self)):
            yield order[step * self._batch : (step + 1) * self._batch].tolist()

    def _order(self) -> npt.NDArray[np.int64]:
        if not self._shuffle:
            return np.arange(self._size)
        rng = np.random.default_rng([self._seed, self.epoch])
        if self._chances is None:
            return rng.permutation(self._size)
        return rng.choice(self._size, self._size, p=self._chances)


def loader(
    rows: Rows,
    *,
    batch: int,
    tokens: int = TOKENS,
    seed: int = 0,
    shuffle: bool = False,
    chances: Floats | None = None,
) -> DataLoader[Batch]:
    """Return a loader of whole batches; no worker processes, since a batch is one memory copy.

    Args:
        rows: the records.
        batch: records of a batch at most.
        tokens: steps of event sequences in a batch, padding included, where there are any.
        seed: of the order.
        shuffle: a new order every epoch.
        chances: `[n]`, summing to 1, with which records are drawn.
    """
    if rows.events is None:
        sampler: Sampler[list[int]] = EpochSampler(
            len(rows), batch=batch, seed=seed, shuffle=shuffle, chances=chances
        )
    elif shuffle:
        lengths = rows.events.lengths
        sampler = LengthSampler(lengths, batch=batch, tokens=tokens, seed=seed, chances=chances)
    else:
        sampler = Consecutive(rows.events.lengths, batch=batch, tokens=tokens)
    return DataLoader(
        _Indices(rows),  # pyright: ignore[reportArgumentType]
        sampler=sampler,
        batch_size=None,
        num_workers=0,
    )


def by_length(rows: Rows) -> npt.NDArray[np.int64]:
    """Return the order `[n]` in which consecutive records waste least on padding."""
    if rows.events is None:
        return np.arange(len(rows))
    return np.argsort(rows.events.lengths, kind="stable")
