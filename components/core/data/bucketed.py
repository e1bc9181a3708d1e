"""Batches of sequences of like length, by a budget of steps, so that little is padded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

Ints = npt.NDArray[np.int64]
# Standard deviation of the noise on the logarithm of the lengths by which an epoch sorts: with less
# the same records would share a batch in every epoch, with more padding would grow.
_JITTER = 0.1
# Epochs that are cut beforehand to see how many batches they need.
_TRIED = 16


def cut_points(lengths: Ints, *, batch: int, tokens: int) -> Ints:
    """Return where batches of consecutive records end, `[K]`, the last being `n`.

    Args:
        lengths: `[n]` steps of each record.
        batch: records of a batch at most.
        tokens: steps of a batch at most, padding included; a longer record is a batch by itself.
    """
    ends: list[int] = []
    first, longest = 0, 0
    for place, length in enumerate(np.maximum(lengths, 1).tolist()):
        grown = max(longest, length)
        held = place - first
        if held and (held == batch or grown * (held + 1) > tokens):
            ends.append(place)
            first, grown = place, length
        longest = grown
    return np.array([*ends, len(lengths)], np.int64)


class LengthSampler(Sampler[list[int]]):
    """Batches of records of like length, in an order that depends on (seed, epoch) alone.

    Every epoch has as many batches, so that schedules know how many steps there are: as many as
    the neediest of the first `_TRIED` epochs. One that needs fewer has some batches cut in two;
    a later one that needs more goes beyond the budget by as little as does.

    Args:
        lengths: `[n]` steps of each record.
        batch: records of a batch at most.
        tokens: steps of a batch, padding included; a longer record is a batch by itself.
        seed: of the order.
        chances: `[n]`, summing to 1; an epoch then draws as many records as there are, with
            replacement.
    """

    def __init__(
        self,
        lengths: Ints,
        *,
        batch: int,
        tokens: int,
        seed: int,
        chances: npt.NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        self._lengths, self._seed, self._chances = np.maximum(lengths, 1), seed, chances
        self._batch, self._tokens = batch, tokens
        self.epoch = 0
        self._count = max(len(self._cut(self._order(epoch), tokens)) for epoch in range(_TRIED))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[int]]:
        order, tokens = self._order(self.epoch), self._tokens
        ends = self._cut(order, tokens)
        while len(ends) > self._count:
            tokens += max(1, tokens // 20)
            ends = self._cut(order, tokens)
        parts = _halved(np.split(order, ends[:-1]), self._count)
        shuffled = np.random.default_rng([self._seed, self.epoch, 1]).permutation(len(parts))
        for number in shuffled.tolist():
            yield parts[number].tolist()

    def _order(self, epoch: int) -> Ints:
        """Return an epoch's records, shortest first but for some noise."""
        rng = np.random.default_rng([self._seed, epoch])
        size = len(self._lengths)
        drawn = np.arange(size)
        if self._chances is not None:
            drawn = rng.choice(size, size, p=self._chances)
        noise = rng.normal(0.0, _JITTER, size)
        return drawn[np.argsort(np.log(self._lengths[drawn]) + noise, kind="stable")]

    def _cut(self, order: Ints, tokens: int) -> Ints:
        return cut_points(self._lengths[order], batch=self._batch, tokens=tokens)


def _halved(parts: list[Ints], count: int) -> list[Ints]:
    """Return so many parts, the largest cut in two, as far as they can be cut."""
    found = list(parts)
    while len(found) < count and max(map(len, found)) > 1:
        place = max(range(len(found)), key=lambda number: len(found[number]))
        middle = len(found[place]) // 2
        found[place : place + 1] = [found[place][:middle], found[place][middle:]]
    return found


class Consecutive(Sampler[list[int]]):
    """Batches of consecutive records within the budget; sort the records first to waste little.

    Args:
        lengths: `[n]` steps of each record.
        batch: records of a batch at most.
        tokens: steps of a batch at most, padding included; a longer record is a batch by itself.
    """

    def __init__(self, lengths: Ints, *, batch: int, tokens: int) -> None:
        super().__init__()
        self._ends = cut_points(lengths, batch=batch, tokens=tokens)
        self._size = len(lengths)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[list[int]]:
        for part in np.split(np.arange(self._size), self._ends[:-1]):
            yield part.tolist()
