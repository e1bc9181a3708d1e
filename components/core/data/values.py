"""Prepared ECGs as the numbers they stand for, outside the networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.data.cohort import Rows
from components.core.errors import InputError


def ecg_values(
    rows: Rows, index: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
    """Return `[n, leads, L]` mV of the named rows, and `lead_mask`, `start` and `stop`.

    Raises:
        InputError: a tabular cohort.
    """
    reader = rows.reader
    if reader is None:
        raise InputError("a tabular cohort has no ECG to summarise; leave the ECG out")
    shard, row = rows.shard[index], rows.shard_row[index]
    values = reader.ecg(shard, row).astype(np.float32) * reader.scale(shard, row)[:, :, None]
    valid = reader.valid(shard, row)
    where = {"lead_mask": reader.lead_mask(shard, row), "start": valid[:, 0], "stop": valid[:, 1]}
    return values, where
