"""Test recordings as a disturbance sees them: decoded, with what is there and what is not.

Shapes: `B` recordings, `K` leads, `L` samples, `F` encoded clinical features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from components.core.bundle import tabular_row
from components.core.config.evaluate import RobustnessConfig
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.errors import InputError
from components.core.signals.normalise import real_samples

Values = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recordings:
    """A batch of decoded test records.

    Attributes:
        ids: of the records; they seed the noise, so that it is a record's own.
        values: `[B, K, L]` in the task's unit; 0 in padding and missing leads.
        lead_mask: `[B, K]`, True where the lead is there.
        valid: `[B, 2]` first real sample and the one after the last.
        tabular: `[B, F]` encoded clinical features.
        text: `[B, W]` embedded notes.
        text_mask: `[B]` whether there is a note.
        absent: `[F]` what serving encodes where no clinical field is given.
    """

    ids: tuple[str, ...]
    values: Values
    lead_mask: Flags
    valid: npt.NDArray[np.int32]
    tabular: Values
    text: Values
    text_mask: Flags
    absent: Values

    def real(self) -> Flags:
        """Return `[B, K, L]`, True where a sample was recorded."""
        shape = self.values.shape
        return real_samples(
            (shape[0], shape[1], shape[2]), self.lead_mask, self.valid[:, 0], self.valid[:, 1]
        )


Change = Callable[[Recordings], Recordings]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a kind of disturbance must know of the task.

    Attributes:
        config: what is asked for.
        leads: of the tensors.
        fs: their rate in Hz.
        unit: their unit.
        highpass_hz: the task's own high-pass, which noise passes too.
        notch_hz: its notch.
        fewest_leads: serving refuses records with fewer of `leads`.
        inputs: of the model.
        rms: median over records of the signal's root mean square, in the unit.
    """

    config: RobustnessConfig
    leads: tuple[str, ...]
    fs: float
    unit: str
    highpass_hz: float | None
    notch_hz: int | None
    fewest_leads: int
    inputs: tuple[str, ...]
    rms: float


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One disturbance.

    Attributes:
        kind: what is disturbed, the heading of its table.
        key: name in the tracking store.
        title: in words.
        change: from recordings to disturbed ones; None where the model gives no answer, or where
            nothing changes.
        remark: what the reader must know.
    """

    kind: str
    key: str
    title: str
    change: Change | None
    remark: str = ""


def decode(rows: Rows, index: npt.NDArray[np.int64], absent: Values) -> Recordings:
    """Return the named rows, int16 counts turned into the task's unit."""
    reader = rows.reader
    if reader is None:
        raise InputError("a tabular cohort has no ECG to disturb; leave out evaluate.robustness")
    shard, row = rows.shard[index], rows.shard_row[index]
    scale = reader.scale(shard, row)[:, :, None]
    return Recordings(
        ids=tuple(rows.frame["sample_id"].iloc[index].astype(str)),
        values=reader.ecg(shard, row).astype(np.float32) * scale,
        lead_mask=reader.lead_mask(shard, row),
        valid=reader.valid(shard, row),
        tabular=rows.tabular[index],
        text=rows.text[index],
        text_mask=rows.text_mask[index],
        absent=absent,
    )


def to_batch(recordings: Recordings) -> Batch:
    """Return the recordings as the model's raw batch: scale 1, since they are decoded."""
    values, valid = recordings.values, recordings.valid
    batch: Batch = {
        "ecg": torch.from_numpy(values),
        "ecg_scale": torch.ones(values.shape[:2]),
        "ecg_lead_mask": torch.from_numpy(recordings.lead_mask.astype(np.float32)),
    }
    if (valid[:, 1] - valid[:, 0] < values.shape[2]).any():
        batch["ecg_valid"] = torch.from_numpy(valid.astype(np.int64))
    if recordings.tabular.shape[1]:
        batch["tabular"] = torch.from_numpy(recordings.tabular)
    if recordings.text.shape[1]:
        batch["text"] = torch.from_numpy(recordings.text)
        batch["text_mask"] = torch.from_numpy(recordings.text_mask.astype(np.float32))
    return batch


def nothing_given(rows: Rows, kinds: dict[str, str]) -> Values:
    """Return `[F]` what serving encodes for a patient without any clinical field.

    Args:
        rows: of a fold, with its fitted encoder.
        kinds: feature → `numeric` or `categorical`, as the bundle has them.
    """
    if not kinds:
        return np.empty(0, np.float32)
    return rows.stats.tabular.transform(tabular_row({}, kinds))[0]


def signal_rms(rows: Rows, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return `[n]` the root mean square about the mean over a record's leads, in the unit."""
    reader = rows.reader
    if reader is None:
        return np.empty(0)
    moments = reader.moments(rows.shard[index], rows.shard_row[index])
    count, squares = moments[:, :, 0], moments[:, :, 2]
    return np.sqrt(squares.sum(axis=1) / np.maximum(count.sum(axis=1), 1))
