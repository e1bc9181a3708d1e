"""Progress lines with rate and time left, and the figures of every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning

from components.core.progress import duration, say

# Between two lines; epochs of a small cohort last milliseconds.
_LINE_SECONDS = 5.0
# All figures of several heads and modalities would be no line any more; the history has them.
_SHOWN = {
    "train/loss": "loss",
    "val/loss": "val loss",
    "val/auroc": "auroc",
    "val/impute": "impute",
}


class EpochReport(lightning.Callback):
    """Collects each epoch's figures and tells people and the tracking store.

    Args:
        name: of the fit; empty says no lines.
        epochs: upper bound.
        records: in the training part.
        on_epoch: told the epoch's number and figures; called once per epoch.
    """

    def __init__(
        self,
        name: str,
        epochs: int,
        records: int,
        on_epoch: Callable[[int, dict[str, float]], None] | None,
    ) -> None:
        self._name, self._epochs, self._records = name, epochs, records
        self._on_epoch = on_epoch
        self.rows: list[dict[str, float]] = []
        self._start = self._last_line = self._epoch_start = time.monotonic()
        self._told = 0

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs to go on with the same history."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the history of the run that was stopped."""
        self.rows = list(state_dict["rows"])
        self._told = len(self.rows)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._epoch_start = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning's own union
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Say how far a long epoch is."""
        del pl_module, outputs, batch
        now = time.monotonic()
        if self._name and now - self._last_line >= 2 * _LINE_SECONDS:
            self._last_line = now
            step, steps = batch_idx + 1, trainer.num_training_batches
            left = (now - self._epoch_start) / step * (int(steps) - step)
            say(f"{self._name}: epoch {trainer.current_epoch + 1}/{self._epochs}, "
                f"step {step}/{steps}, {duration(left)} left in it")  # fmt: skip

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Keep the epoch's figures and hand them on."""
        del pl_module
        figures = {k: float(v) for k, v in trainer.callback_metrics.items()}
        seconds = time.monotonic() - self._epoch_start
        optimiser = trainer.optimizers[0]
        row = {"epoch": float(trainer.current_epoch), **figures}
        row |= {"lr": float(optimiser.param_groups[0]["lr"]), "seconds": seconds}
        self.rows.append(row)
        if self._on_epoch is not None:
            self._on_epoch(trainer.current_epoch, {**figures, "train/lr": row["lr"]})
        self._line(figures, seconds, last=trainer.current_epoch + 1 == self._epochs)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Say how it ended."""
        del trainer, pl_module
        if not self._name:
            return
        took = duration(time.monotonic() - self._start)
        say(f"{self._name}: finished after {len(self.rows)} epochs, {took}")

    def _line(self, figures: dict[str, float], seconds: float, *, last: bool) -> None:
        now = time.monotonic()
        if not self._name or (not last and now - self._last_line < _LINE_SECONDS):
            return
        self._last_line = now
        done = len(self.rows)
        made = max(1, done - self._told)
        left = (now - self._start) / made * (self._epochs - done)
        there = {key: short for key, short in _SHOWN.items() if key in figures}
        shown = " ".join(f"{short} {figures[key]:.3f}" for key, short in there.items())
        phase = " (pretraining)" if figures.get("train/pretraining") else ""
        say(f"{self._name}: epoch {done}/{self._epochs}{phase} {shown}, "
            f"{self._records / seconds:,.0f} records/s, ≤ {duration(left)} left")  # fmt: skip
