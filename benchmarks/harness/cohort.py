"""A prepared cohort of 8-lead, 10 s, 500 Hz recordings as preprocess writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.harness.signals import recording
from components.core.data import foldstats
from components.core.data.cohort import Rows
from components.core.data.tensors import TensorReader, write_tensors
from components.core.signals.leads import LEADS8
from components.core.signals.normalise import Moments

FS, LENGTH = 500, 5000
GAIN = 1000  # counts per mV, as in most public WFDB records
_SHARD = 256  # records per shard, as ingest writes them


def counts(number: int) -> npt.NDArray[np.int16]:
    """Return recording `number` `[8, 5000]` in counts of 1 µV."""
    return np.rint(recording(number, leads=len(LEADS8), fs=FS) * GAIN).astype(np.int16)


def write_cohort(folder: Path, records: int) -> None:
    """Write the shards of `records` recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard, first in enumerate(range(0, records, _SHARD)):
        ecg = np.stack([counts(n) for n in range(first, min(first + _SHARD, records))])
        write_tensors(
            folder / f"{shard:05d}.h5",
            ecg=ecg,
            scale=np.full(ecg.shape[:2], 1 / GAIN, np.float32),
            lead_mask=np.ones(ecg.shape[:2], np.bool_),
            valid=np.tile(np.array([0, LENGTH], np.int32), (len(ecg), 1)),
            moments=np.stack([_moments(each) for each in ecg]),
            facts={"fs": FS, "leads": ";".join(LEADS8), "unit": "mV"},
        )


def _moments(ecg: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    values = (ecg / np.float32(GAIN)).astype(np.float32)[None]
    found = Moments.of(values, np.ones(values.shape, np.bool_))
    return np.stack([found.count, found.mean, found.squares], axis=1)


def open_rows(folder: Path, records: int) -> Rows:
    """Return the recordings as training sees them, every tenth one positive."""
    number = np.arange(records)
    frame = pd.DataFrame(
        {
            "sample_id": [f"r{n}" for n in number],
            "patient_id": [f"p{n}" for n in number],
            "label": (number % 10 == 0).astype(np.int64),
            "weight": 1.0,
            "shard": number // _SHARD,
            "shard_row": number % _SHARD,
        }
    )
    reader = TensorReader(folder, sorted(set(frame["shard"])))
    stats = foldstats.fit_fold("all", frame, [], reader, LEADS8)
    tabular = np.zeros((records, 0), np.float32)
    nothing = np.zeros((len(frame), 0), np.float32)
    mask = np.zeros(len(frame), np.bool_)
    return Rows(
        frame=frame, reader=reader, tabular=tabular, stats=stats, text=nothing, text_mask=mask
    )
