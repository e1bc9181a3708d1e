"""Random mini-batches of 10 s 8-lead ECGs from disk, normalised float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness.cohort import FS, GAIN, counts, open_rows, write_cohort
from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.signals.leads import LEADS8

BATCH = 32
# Batches that a side is timed on at most; the epoch is extrapolated from them.
TIMED = 40
# Batches before that: worker processes have started and their queues are full.
WARM = 4
SHARDS, WFDB, HDF5 = "shards", "wfdb", "ecg.h5"


def _prepare(folder: Path, size: int) -> None:
    import h5py

    from components.ingest.synthetic.plain_formats import wfdb_record

    write_cohort(folder / SHARDS, size)
    (folder / WFDB).mkdir()
    with h5py.File(folder / HDF5, "w") as file:
        data = file.create_dataset("ecg", shape=(size, len(LEADS8), FS * 10), dtype="f4")
        for number in range(size):
            values = (counts(number) / np.float32(GAIN)).astype(np.float32)
            data[number] = values
            made = wfdb_record(values, name=f"r{number}", leads=LEADS8, fs=FS)
            for name, content in made.items():
                (folder / WFDB / name).write_bytes(content)


def _checked(size: int) -> npt.NDArray[np.int64]:
    """Return the records of the batch that every side reports."""
    return np.arange(BATCH) * 7 % size


def _timed(epoch: Callable[[], Iterable[Any]], size: int) -> tuple[float, int, float]:
    """Return seconds and number of batches of the second epoch, and seconds per batch of the first.

    The first few of the second epoch are left out.
    """
    start = time.perf_counter()
    first = sum(1 for _ in epoch())
    slow = (time.perf_counter() - start) / first
    iterator = iter(epoch())
    for _ in islice(iterator, min(WARM, size // BATCH // 2)):
        pass
    start = time.perf_counter()
    done = sum(1 for _ in islice(iterator, TIMED))
    return time.perf_counter() - start, done, slow


def _outcome(timed: tuple[float, int, float], found: Any) -> Outcome:  # noqa: ANN401 - a Tensor
    seconds, done, slow = timed
    words = f"{seconds / done * 1e3:.2f} ms per batch, in the first epoch {slow * 1e3:.2f}"
    result = found.double().numpy()
    return Outcome(seconds=seconds, units=done, result=result, facts={"takes": words})


def _ours(folder: Path, size: int) -> Outcome:
    from components.core.data.batches import Normaliser, loader, raw_batch

    rows = open_rows(folder / SHARDS, size)
    norm = rows.stats.norm()
    if norm is None:
        raise ValueError("the cohort has ECGs, so there must be statistics")
    normalise = Normaliser(norm)
    batches = loader(rows, batch=BATCH, seed=0, shuffle=True)
    timed = _timed(lambda: map(normalise, batches), size)
    return _outcome(timed, normalise(raw_batch(rows, _checked(size)))["ecg"])


def _statistics(folder: Path, size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    norm = open_rows(folder / SHARDS, size).stats.norm()
    if norm is None:
        raise ValueError("the cohort has ECGs, so there must be statistics")
    return np.array(norm.mean, np.float32)[:, None], np.array(norm.sd, np.float32)[:, None]


def _per_file(folder: Path, size: int) -> Outcome:
    import torch
    import wfdb
    from torch.utils.data import DataLoader, Dataset

    mean, sd = _statistics(folder, size)

    class Records(Dataset[tuple[torch.Tensor, int]]):
        """One WFDB record per item, read when it is asked for."""

        def __len__(self) -> int:
            return size

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            record: Any = wfdb.rdrecord(str(folder / WFDB / f"r{index}"))
            values = (record.p_signal.T.astype(np.float32) - mean) / sd
            return torch.from_numpy(values), int(index % 10 == 0)

    records = Records()
    batches = DataLoader(records, batch_size=BATCH, shuffle=True, num_workers=2, drop_last=True)
    timed = _timed(lambda: batches, size)
    return _outcome(timed, torch.stack([records[int(index)][0] for index in _checked(size)]))


def _hdf5(folder: Path, size: int) -> Outcome:
    import h5py
    import torch
    from torch.utils.data import DataLoader, Dataset

    mean, sd = (torch.from_numpy(each) for each in _statistics(folder, size))
    with h5py.File(folder / HDF5, "r") as file:
        data: Any = file["ecg"]

        class Records(Dataset[tuple[torch.Tensor, int]]):
            """One row of the data set per item; no workers, since handles do not survive a fork."""

            def __len__(self) -> int:
                return size

            def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
                return torch.from_numpy(data[index]).sub_(mean).div_(sd), int(index % 10 == 0)

        records = Records()
        batches = DataLoader(records, batch_size=BATCH, shuffle=True, drop_last=True)
        timed = _timed(lambda: batches, size)
        return _outcome(timed, torch.stack([records[int(i)][0] for i in _checked(size)]))


ROW = Row(
    name="random_batches",
    unit="batches of 32",
    sizes=(256, 1024, 4096),
    quick=(64, 96, 128),
    prepare=_prepare,
    work=lambda size: size // BATCH,
    sides={"ours": _ours, "per file": _per_file, "HDF5": _hdf5},
    comparisons=(
        Comparison(
            work="random batches out of {size} 10 s 8-lead ECGs, from disk to normalised float32",
            ours="ours", other="per file", ratio=10, tolerance=1e-4,
            peer="one WFDB record per item, torch `DataLoader` with 2 workers, as torch_ecg does",
        ),
        Comparison(
            work="the same",
            ours="ours", other="HDF5", ratio=3, tolerance=1e-4,
            peer="h5py, float32, contiguous, a `Dataset` that reads one record per item",
        ),
    ),
    notes=(
        f"The second epoch, extrapolated from {TIMED} batches; the files lie "
        "in the page cache. Ours reads in the training process itself.",
    ),
)  # fmt: skip
