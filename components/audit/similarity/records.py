"""All ECGs of a prepared cohort: sketched shard by shard, compared where they may be copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.similarity.anchors import cut_windows, find_anchors
from components.audit.similarity.banding import Pairs
from components.audit.similarity.basis import Basis, fit_basis
from components.audit.similarity.correlate import (
    COARSE,
    OVERLAP,
    coarse,
    concentration,
    correlations,
)
from components.audit.similarity.traces import Floats, Traces, make_traces
from components.core.data.tensors import TensorReader
from components.core.progress import progress

Ints = npt.NDArray[np.int64]

# Records per batch: 256 of 8 x 5000 samples are 20 MB of counts and 50 MB of working memory.
_BATCH = 256
# Records that the basis is fitted on: with eight windows each, enough for 32 components.
_FITTED_ON = 800


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketches:
    """Sketches of all records, `M` in all.

    Attributes:
        vectors: `[M, D]` of unit length.
        record: `[M]` number of the record in the frame.
        sample: `[M]` where its window's beat lies, at the traces' rate.
    """

    vectors: Floats
    record: Ints
    sample: Ints


class Signals:
    """Comparable traces of a cohort's records, by their number in the frame.

    Args:
        frame: manifest rows with `shard` and `shard_row`.
        reader: of the shards.
        fs: sampling rate in Hz.
    """

    def __init__(self, frame: pd.DataFrame, reader: TensorReader, fs: float) -> None:
        self._shard = frame["shard"].to_numpy(np.int64)
        self._row = frame["shard_row"].to_numpy(np.int64)
        self._reader = reader
        self._fs = fs
        valid = reader.valid(self._shard, self._row)
        self.long_enough: npt.NDArray[np.bool_] = (valid[:, 1] - valid[:, 0]) >= OVERLAP * fs

    def traces(self, records: Ints) -> Traces:
        """Return the traces of some records, in the order asked for."""
        shard, row = self._shard[records], self._row[records]
        return make_traces(
            self._reader.ecg(shard, row),
            self._reader.lead_mask(shard, row),
            self._reader.valid(shard, row),
            self._fs,
        )

    def batches(self) -> Iterator[Ints]:
        """Yield the records that are long enough to be compared, in the order of the files."""
        order = np.lexsort((self._row, self._shard))
        order = order[self.long_enough[order]]
        for first in range(0, len(order), _BATCH):
            yield order[first : first + _BATCH]


def sketch(signals: Signals) -> Sketches:
    """Return the sketches of all records; memory holds one batch of signals."""
    chosen = np.flatnonzero(signals.long_enough)
    chosen = chosen[:: max(1, len(chosen) // _FITTED_ON)]
    none = np.zeros(0, np.int64)
    if not len(chosen):
        return Sketches(vectors=np.zeros((0, 1), np.float32), record=none, sample=none)
    traces = signals.traces(chosen)
    windows = cut_windows(traces, *find_anchors(traces))
    if not len(windows):
        return Sketches(vectors=np.zeros((0, 1), np.float32), record=none, sample=none)
    basis = fit_basis(windows)
    parts: list[tuple[Floats, Ints, Ints]] = []
    with progress("audit: sketches", int(signals.long_enough.sum()), "records") as advance:
        for records in signals.batches():
            parts.append(_sketched(signals, records, basis))
            advance(len(records))
    vectors, record, sample = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Sketches(vectors=vectors, record=record, sample=sample)


def _sketched(signals: Signals, records: Ints, basis: Basis) -> tuple[Floats, Ints, Ints]:
    traces = signals.traces(records)
    record, sample = find_anchors(traces)
    vectors = basis.sketch(cut_windows(traces, record, sample))
    return vectors, records[record], sample


def compare(signals: Signals, sketches: Sketches, pairs: Pairs) -> tuple[Floats, Floats]:
    """Return for every pair `correlations` `[P]` of the whole recordings, and `concentration`.

    Pairs that do not correlate at whole samples are not looked at more closely and get -1 and 1.
    """
    found = np.full(len(pairs), -1.0, np.float32)
    peaked = np.ones(len(pairs), np.float32)
    for first in range(0, len(pairs), _BATCH):
        part = pairs.take(slice(first, first + _BATCH))
        one, two = signals.traces(part.left), signals.traces(part.right)
        lag = sketches.sample[part.left_sketch] - sketches.sample[part.right_sketch]
        rough, lag = coarse(one, two, lag)
        near = np.flatnonzero(rough >= COARSE)
        if len(near):
            some = _take(one, near), _take(two, near)
            found[first + near] = correlations(*some, lag[near])
            peaked[first + near] = concentration(*some, lag[near])
    return found, peaked


def nearest(
    signals: Signals, sketches: Sketches, queries: Ints, pool: Ints, *, most: int = 20_000
) -> Floats:
    """Return for some records `[Q]` the correlation with their nearest one of a pool.

    At most `most` sketches of the pool are looked at, evenly spread, so that the cost stays the
    same however large the cohort is.
    """
    mine = np.flatnonzero(np.isin(sketches.record, queries))
    theirs = np.flatnonzero(np.isin(sketches.record, pool))
    theirs = theirs[:: max(1, -(-len(theirs) // most))]
    if not len(mine) or not len(theirs):
        return np.zeros(0, np.float32)
    cosine = sketches.vectors[mine] @ sketches.vectors[theirs].T
    best = cosine.argmax(axis=1)
    height = cosine[np.arange(len(mine)), best]
    table = pd.DataFrame({"record": sketches.record[mine], "height": height})
    at = table.groupby("record")["height"].idxmax().to_numpy(np.int64)
    left, right = mine[at], theirs[best[at]]
    rough: list[Floats] = []
    for first in range(0, len(left), _BATCH):
        a, b = left[first : first + _BATCH], right[first : first + _BATCH]
        one, two = signals.traces(sketches.record[a]), signals.traces(sketches.record[b])
        _, lag = coarse(one, two, sketches.sample[a] - sketches.sample[b])
        rough.append(correlations(one, two, lag))
    return np.concatenate(rough).clip(0, 1)


def _take(traces: Traces, rows: Ints) -> Traces:
    return Traces(signal=traces.signal[rows], valid=traces.valid[rows], fs=traces.fs)
