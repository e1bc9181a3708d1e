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

    Every epoch has as many batches, of the same sizes, so that schedules know how many steps there
    are; which records share one differs, so that a batch may exceed the budget by the few per cent
    by which lengths were taken for one another.

    Args:
        lengths: `[n]` steps of each record.
        batch: records of a batch at most.
        tokens: steps of a batch, padding included.
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
        self._ends = cut_points(np.sort(self._lengths), batch=batch, tokens=tokens)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self._seed, self.epoch])
        size = len(self._lengths)
        drawn = np.arange(size)
        if self._chances is not None:
            drawn = rng.choice(size, size, p=self._chances)
        noise = rng.normal(0.0, _JITTER, size)
        order = drawn[np.argsort(np.log(self._lengths[drawn]) + noise, kind="stable")]
        parts = np.split(order, self._ends[:-1])
        for number in rng.permutation(len(parts)).tolist():
            yield parts[number].tolist()


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


def steps_of_epoch(lengths: Ints | None, *, size: int, batch: int, tokens: int) -> int:
    """Return how many training batches an epoch has.

    Args:
        lengths: `[n]` steps of each record; None for records without sequences.
        size: number of records.
        batch: records of a batch at most.
        tokens: steps of a batch, padding included.
    """
    if lengths is None:
        return max(1, size // batch)
    return len(cut_points(np.sort(np.maximum(lengths, 1)), batch=batch, tokens=tokens))
