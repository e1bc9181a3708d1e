"""What attention does while a network is trained: records of a few validation stays, and a picture.

Taken outside the training's own steps, in evaluation mode: nothing is drawn at random and no weight
changes, so that a training with records comes to the same weights as one without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.core.config.fit import FitConfig
from components.core.data.batches import Batch, raw_batch
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.errors import ConfigError
from components.core.files import write_atomic
from components.core.models.attending import Attending, AttentionRecord
from components.core.progress import say

if TYPE_CHECKING:
    from components.train.fit import FitJob

FOLDER = "attention"
_MEGABYTE = 10**6
# One column a step.
_STEPS = ("events", "events_valid", "events_hours")
Arrays = dict[str, npt.NDArray[Any]]


class AttentionMonitor(lightning.Callback):
    """Writes `attention/attention_epoch_{epoch}_batch_{batch}.npz` and a picture an epoch.

    Epochs and batches count from 0; batch 0 of every epoch is recorded, and every
    `fit.save_attention_every`-th after it, each after its step. The picture, of the first stay, is
    `attention/attention_epoch_{epoch}.png`.

    Args:
        model: whose attention is recorded.
        job: what is trained.
        val: its validation part.

    Raises:
        ConfigError: the validation part holds no event sequences.
    """

    def __init__(self, model: Attending, job: FitJob, val: Rows) -> None:
        self._model, self._job = model, job
        first = _first_stays(val, job.config.attention_stays)
        self.rows = chosen(model, first["events_valid"].sum(1).tolist(), job.config)
        self._batch = _of(first, self.rows)
        _announce(self.rows, first, model, job)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning's own union
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Record, where it is this batch's turn."""
        del outputs, batch
        if not self.rows or batch_idx % self._job.config.save_attention_every:
            return
        on_device = {key: value.to(pl_module.device) for key, value in self._batch.items()}
        with torch.no_grad():
            _, record = self._model.recorded(on_device)
        found = arrays(record)
        folder, epoch = self._job.folder / FOLDER, trainer.current_epoch
        folder.mkdir(exist_ok=True)
        place = {"events_hours": self._batch["events_hours"].numpy(), "row": np.array(self.rows)}
        write_arrays(folder / record_file(epoch, batch_idx), found | place)
        if batch_idx == 0:
            self._draw(folder / f"attention_epoch_{epoch}.png", found, epoch)

    def _draw(self, file: Path, found: Arrays, epoch: int) -> None:
        # Matplotlib costs half a second, which trainings without records are spared.
        from components.core.report.attention_map import attention_map
        from components.core.report.style import render

        steps = int(found["events_valid"][0].sum())
        figure = attention_map(
            found["layers"][-1, 0, :, :steps, :steps],
            found["pooling"][0, :, 0, :steps],
            self._batch["events_hours"][0, :steps].numpy(),
            title=f"Validation stay {self.rows[0]}, {steps} events, epoch {epoch}",
        )
        write_atomic(file, lambda p: p.write_bytes(render(figure, "png")))
        if self._job.on_picture is not None:
            self._job.on_picture(epoch, file)


def attention_monitors(model: nn.Module, job: FitJob) -> list[lightning.Callback]:
    """Return what records attention where it is asked for and there is a validation part.

    Raises:
        ConfigError: the model has no attention to record, or the data no event sequences.
    """
    every = job.config.save_attention_every
    if not every:
        return []
    if not isinstance(model, Attending):
        raise ConfigError(
            f"fit.save_attention_every={every} records attention, but a {type(model).__name__} has "
            "none to show; set fit.save_attention_every=0 or model.name=event_transformer"
        )
    return [] if job.val is None else [AttentionMonitor(model, job, job.val)]


def record_file(epoch: int, batch: int) -> str:
    """Return the name of a record's file; both count from 0."""
    return f"attention_epoch_{epoch}_batch_{batch}.npz"


def chosen(model: Attending, lengths: list[float], config: FitConfig) -> list[int]:
    """Return which stays are recorded: in their order, those that fit below the cap together.

    Args:
        model: says how many bytes a record holds.
        lengths: events of each stay; those without any are left out.
        config: `attention_megabytes` is the cap, before compression.
    """
    kept: list[int] = []
    longest, cap = 0, config.attention_megabytes * _MEGABYTE
    for row, events in enumerate(int(length) for length in lengths):
        steps = max(longest, events)
        if events and model.record_bytes(len(kept) + 1, steps) <= cap:
            kept.append(row)
            longest = steps
    return kept


def arrays(record: AttentionRecord) -> Arrays:
    """Return a record as arrays by the names that its file gives them."""
    named = {
        "layers": record.layers,
        "pooling": record.pooling,
        "encoded": record.encoded,
        "query": record.query,
        "events_valid": record.valid,
    }
    return {name: value.detach().float().cpu().numpy() for name, value in named.items()}


def write_arrays(file: Path, values: Arrays) -> None:
    """Write a record, compressed, whole or not at all."""

    def write(partial: Path) -> None:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **values)

    write_atomic(file, write)


def _first_stays(val: Rows, count: int) -> Batch:
    index = np.arange(min(count, len(val)), dtype=np.int64)
    batch = Finisher(val.stats)(raw_batch(val, index))
    if "events" not in batch:
        raise ConfigError(
            "fit.save_attention_every is set, but the cohort holds no event sequences; set it to 0 "
            "or ingest a source of events"
        )
    return batch


def _of(batch: Batch, rows: list[int]) -> Batch:
    """Return the stays of `rows`, no longer than the longest of them."""
    own = {key: value[rows] for key, value in batch.items()}
    steps = int(own["events_valid"].sum(1).max()) if rows else 0
    return own | {key: own[key][:, :steps] for key in _STEPS}


def _announce(rows: list[int], first: Batch, model: Attending, job: FitJob) -> None:
    lengths = first["events_valid"].sum(1)
    empty = int((lengths == 0).sum())
    over = len(lengths) - empty - len(rows)
    longest = int(lengths[rows].max()) if rows else 0
    size = model.record_bytes(len(rows), longest) / _MEGABYTE if rows else 0.0
    say(
        f"{job.name}: attention of {len(rows)} of {len(lengths)} validation stay(s) is recorded, "
        f"{size:,.1f} MB each time before compression; {empty} without an event and {over} beyond "
        f"fit.attention_megabytes={job.config.attention_megabytes:g} are left out"
    )
