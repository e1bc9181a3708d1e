"""What is explained: one fold's networks and records, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.baseline import baselines
from components.core.attribution.target import Target
from components.core.data.batches import Batch, raw_batch
from components.core.data.bucketed import cut_points
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.device import Place
from components.core.media.config import SoundConfig
from components.core.modalities import ARRAYS, ArrayModality
from components.core.predict import to_device

# Steps of event sequences that are asked at once, padding included. With gradients kept, a step
# takes about 40 kB in the default network (4 layers of width 256): 650 MB in all.
TOKENS = 16_384


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A fold's networks and the records that are explained by them.

    Attributes:
        fold: its name.
        target: of the fold's networks.
        inputs: modalities that the networks take and the records have, of
            `core.modalities.MODALITIES`.
        rows: the `n` records.
        leads: of the tensors; empty without ECG.
        fs: their rate in Hz.
        unit: `mV`, or `z` where the recordings were standardised before they came.
        tabular_mean: `[F]` mean of the training part's encoded columns.
        segments: `[n, L]` index into `core.attribution.groups.SEGMENTS` of each sample; −1 all
            along a record in which no beat is found; None without ECG.
        place: device and precision.
        sound: how heart sounds became arrays; None where there are none, or nobody knows.
        columns: embedding → names of its entries, of those whose source knows them.
        altered: what is done to every finished batch, given the records' numbers; None for the
            records as they are.
    """

    fold: str
    target: Target
    inputs: tuple[str, ...]
    rows: Rows
    leads: tuple[str, ...]
    fs: float
    tabular_mean: Tensor
    segments: npt.NDArray[np.int8] | None
    place: Place
    unit: str = "mV"
    sound: SoundConfig | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    altered: Callable[[Batch, npt.NDArray[np.int64]], Batch] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def arrays(self) -> tuple[ArrayModality, ...]:
        """Return the pictures, sounds and embeddings among the inputs."""
        return tuple(name for name in ARRAYS if self.inputs.count(name))

    def parts(self, index: npt.NDArray[np.int64], *, most: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield records in order, `most` at a time, fewer where their sequences are long."""
        if self.rows.events is None:
            ends = [*range(most, len(index), most), len(index)] if len(index) else []
        else:
            lengths = self.rows.events.lengths[index]
            ends = cut_points(lengths, batch=most, tokens=TOKENS).tolist() if len(index) else []
        for start, end in zip([0, *ends], ends, strict=False):
            yield index[start:end]

    def batch(self, index: npt.NDArray[np.int64]) -> Batch:
        """Return some records, finished, on the device."""
        raw = to_device(raw_batch(self.rows, index), self.place.device)
        ready = Finisher(self.rows.stats)(raw)
        return ready if self.altered is None else self.altered(ready, index)

    def baselines(self, batch: Batch) -> Batch:
        """Return modality → baseline of a finished batch, of `inputs` alone."""
        stats = self.rows.stats
        found = baselines(batch, norm=stats.norm(), tabular=self.tabular_mean, arrays=stats.arrays)
        return {name: value for name, value in found.items() if name in self.inputs}

    def log_odds(self, batch: Batch) -> npt.NDArray[np.float64]:
        """Return `[B]` log-odds of a finished batch."""
        with torch.no_grad():
            return self.target(batch).double().cpu().numpy()
