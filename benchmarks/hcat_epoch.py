"""An epoch of five embeddings a patient, from disk to what the network takes in."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.data import foldstats
from components.core.data.arrays import ArrayShard, open_arrays, shard_folder, write_array
from components.core.data.cohort import Rows
from components.core.modalities import EMBEDDED
from components.core.schemas import QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX

BATCH = 64
WIDTH = 512
# Share of patients who have each embedding.
PRESENT = 0.7
# Batches that the peers and the training are timed on at most; the epoch is extrapolated.
TIMED = 40
WARM = 4
# Records per shard, as ingest writes them.
_SHARD = 256
PEER = "patients.h5"
Halves = npt.NDArray[np.float16]
Flags = npt.NDArray[np.bool_]


def _drawn(first: int, last: int) -> tuple[Halves, Flags]:
    """Return `[n, 5, 512]` embeddings of some patients, and `[n, 5]` which they have."""
    rng = np.random.default_rng(first)
    values = rng.standard_normal((last - first, len(EMBEDDED), WIDTH), dtype=np.float32)
    return values.astype(np.float16), rng.random((last - first, len(EMBEDDED))) < PRESENT


def _blocks(size: int) -> Iterator[tuple[int, int, int]]:
    for number, first in enumerate(range(0, size, _SHARD)):
        yield number, first, min(first + _SHARD, size)


def _prepare(folder: Path, size: int) -> None:
    import h5py

    for name in EMBEDDED:
        shard_folder(folder, name).mkdir(parents=True)
    with h5py.File(folder / PEER, "w") as file:
        for number, first, last in _blocks(size):
            values, there = _drawn(first, last)
            for place, name in enumerate(EMBEDDED):
                own = values[there[:, place], place]
                made = ArrayShard(values=own, valid=None, moments=None, axis=0, facts={})
                write_array(shard_folder(folder, name) / f"{number:05d}.h5", made)
            for row in range(last - first):
                group = file.create_group(f"p{first + row}")
                for place in np.flatnonzero(there[row]).tolist():
                    group.create_dataset(EMBEDDED[place], data=values[row, place])


def _rows(folder: Path, size: int) -> Rows:
    number = np.arange(size)
    there = np.concatenate([_drawn_there(first, last) for _, first, last in _blocks(size)])
    frame = pd.DataFrame(
        {
            "sample_id": [f"r{n}" for n in number],
            "patient_id": [f"p{n}" for n in number],
            "label": (number % 3 == 0).astype(np.int64),
            "weight": 1.0,
            **_places(number, there),
        }
    )
    arrays = open_arrays(folder, frame)
    nothing = np.zeros((size, 0), np.float32)
    return Rows(
        frame=frame,
        reader=None,
        tabular=nothing,
        stats=foldstats.fit_fold("all", frame, [], None, (), arrays=arrays),
        text=nothing,
        text_mask=np.zeros(size, np.bool_),
        arrays=arrays,
    )


def _drawn_there(first: int, last: int) -> Flags:
    return _drawn(first, last)[1]


def _places(number: npt.NDArray[np.int64], there: Flags) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, name in enumerate(EMBEDDED):
        has = pd.Series(there[:, place])
        row = has.groupby(number // _SHARD).cumsum() - 1
        found[f"{SHARD_PREFIX}{name}"] = pd.Series(number // _SHARD, dtype="Int32").where(has)
        found[f"{ROW_PREFIX}{name}"] = row.astype("Int32").where(has)
        found[f"{QUALITY_PREFIX}{name}"] = pd.Series(1.0, index=has.index).where(has)
    return found


def _checked(size: int) -> npt.NDArray[np.int64]:
    """Return the patients of the batch that every side reports."""
    return np.arange(BATCH) * 7 % size


def _timed(epoch: Callable[[], Iterable[Any]], most: int) -> tuple[float, int]:
    """Return seconds and number of batches of a second epoch, at most so many of it."""
    for _ in islice(epoch(), WARM):
        pass
    iterator = iter(epoch())
    start = time.perf_counter()
    done = sum(1 for _ in islice(iterator, most))
    return time.perf_counter() - start, done


def _memory(folder: Path) -> dict[str, str]:
    """Return what this process held at most, beside the size of the data."""
    files = (file for name in EMBEDDED for file in shard_folder(folder, name).iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "reads": f"{sum(file.stat().st_size for file in files) / 1e6:.0f} MB of embeddings",
        "peak resident memory": f"{peak / 1e6:.0f} MB with the mapped pages of those files, which "
        "the system takes back when it needs them; the table's figure is without them",
    }


def _ours(folder: Path, size: int) -> Outcome:
    from components.core.data.batches import loader, raw_batch
    from components.core.data.finish import Finisher

    rows = _rows(folder, size)
    finish = Finisher(rows.stats)
    batches = loader(rows, batch=BATCH, seed=0, shuffle=True)
    seconds, done = _timed(lambda: map(finish, batches), size)
    ready = finish(raw_batch(rows, _checked(size)))
    result = torch.stack([ready[name] for name in EMBEDDED], dim=1)
    return Outcome(
        seconds=seconds,
        units=done,
        result=result.double().numpy(),
        facts={"takes": f"{seconds / done * 1e3:.2f} ms per batch", **_memory(folder)},
    )


def _training(folder: Path, size: int) -> Outcome:
    """Return the time of training steps with their data; the network at its default settings."""
    from components.core.data.batches import loader
    from components.core.data.finish import Finisher
    from components.core.members import data_spec
    from components.core.models.registry import build_model

    rows = _rows(folder, size)
    finish = Finisher(rows.stats)
    spec = data_spec(rows, leads=0, length=0, heads={"survival": 2})
    model = build_model({"name": "hcat"}, spec).train()
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    batches = loader(rows, batch=BATCH, seed=0, shuffle=True)

    def steps() -> Iterator[None]:
        for batch in map(finish, batches):
            found = model(batch)
            loss = torch.nn.functional.cross_entropy(found["survival"], batch["label"])
            own = [each for name, each in found.items() if name.startswith("loss:")]
            optimiser.zero_grad()
            torch.stack([loss, *own]).sum().backward()
            optimiser.step()
            yield

    seconds, done = _timed(steps, TIMED)
    return Outcome(
        seconds=seconds,
        units=done,
        facts={"takes": f"{seconds / done * 1e3:.1f} ms per step, data included"},
    )


def _per_patient(folder: Path, size: int, workers: int = 0) -> Outcome:
    import h5py
    from torch.utils.data import DataLoader, Dataset

    stats = _rows(folder, size).stats.arrays
    mean = torch.tensor([stats[name].mean for name in EMBEDDED])
    sd = torch.tensor([stats[name].sd for name in EMBEDDED])

    class Patients(Dataset[tuple[torch.Tensor, torch.Tensor, int]]):
        """One group per patient; the file is opened by whoever reads: handles survive no fork."""

        def __init__(self) -> None:
            self._file: Any = None

        def __len__(self) -> int:
            return size

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
            if self._file is None:
                self._file = h5py.File(folder / PEER, "r")
            group = self._file[f"p{index}"]
            values, there = torch.zeros(len(EMBEDDED), WIDTH), torch.zeros(len(EMBEDDED))
            for place, name in enumerate(EMBEDDED):
                if name in group:
                    own = torch.from_numpy(group[name][:].astype(np.float32))
                    values[place] = (own - mean[place]) / sd[place]
                    there[place] = 1.0
            return values, there, int(index % 3 == 0)

    patients = Patients()
    batches = DataLoader(
        Patients(), batch_size=BATCH, shuffle=True, drop_last=True, num_workers=workers
    )
    seconds, done = _timed(lambda: batches, TIMED)
    found = torch.stack([patients[int(index)][0] for index in _checked(size)])
    return Outcome(
        seconds=seconds,
        units=done,
        result=found.double().numpy(),
        facts={"takes": f"{seconds / done * 1e3:.1f} ms per batch"},
    )


def _two_workers(folder: Path, size: int) -> Outcome:
    return _per_patient(folder, size, 2)


ROW = Row(
    name="hcat_epoch",
    unit="batches of 64",
    sizes=(6_250, 25_000, 100_000),
    quick=(256, 320, 512),
    prepare=_prepare,
    work=lambda size: size // BATCH,
    sides={
        "ours": _ours, "per patient": _per_patient, "2 workers": _two_workers,
        "training": _training,
    },
    comparisons=(
        Comparison(
            work="an epoch of {size} patients' five embeddings of width 512, half precision, "
            "70 % of them there, from disk to z-scores",
            ours="ours", other="per patient", ratio=10, tolerance=1e-4,
            peer="h5py, one group per patient with a data set per embedding, a `Dataset` that "
            "reads one patient per item",
        ),
        Comparison(
            work="the same",
            ours="ours", other="2 workers", ratio=10, tolerance=1e-4,
            peer="the same in a torch `DataLoader` with 2 workers",
        ),
        Comparison(work="a training epoch of `hcat` at its default settings", ours="training"),
    ),
    notes=(
        f"Ours is a whole second epoch, the peers and the training are extrapolated from {TIMED} "
        "batches; the files lie in the page cache. Ours reads in the training process itself. "
        "The start of the workers is not timed.",
    ),
)  # fmt: skip
