"""What each modality contributes, epoch by epoch, while a network of branches is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightning
import torch

from components.core.contribution_facts import FALL, SHARE
from components.core.contributions import branched, measure
from components.core.heads.registry import View

if TYPE_CHECKING:
    from components.train.fit import FitJob

ACCURACY = "val/accuracy"


class ContributionsMonitor(lightning.Callback):
    """Adds to each epoch's figures, all on the validation part and patient by patient.

    `contrib/<modality>` is its share of the Shapley values of AUROC (NaN where none adds anything),
    `contrib_perm/<modality>` the fall of AUROC where it is shuffled among patients, `val/accuracy`
    the share called rightly at a probability of 0.5.

    Args:
        job: what is trained; it has a validation part.
    """

    def __init__(self, job: FitJob) -> None:
        primary = next(iter(job.heads))
        self._job, self._view = job, View(name=primary, head=job.heads[primary])

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Measure and log."""
        if self._job.val is None:
            return
        found = measure(
            pl_module.model,  # pyright: ignore[reportArgumentType]
            self._job.val,
            view=self._view,
            device=str(pl_module.device),
            fold=self._job.train.stats.fold,
            seed=self._job.seed,
            epoch=trainer.current_epoch,
        )
        figures = {ACCURACY: found.accuracy}
        figures |= {f"{SHARE}/{name}": value for name, value in found.share.items()}
        figures |= {f"{FALL}/{name}": value for name, value in found.fall.items()}
        pl_module.log_dict({k: torch.tensor(v, dtype=torch.float64) for k, v in figures.items()})


def monitors(model: torch.nn.Module, job: FitJob) -> list[lightning.Callback]:
    """Return the monitor where the model has several branches and there is a validation part."""
    if job.val is None or branched(model) is None:
        return []
    return [ContributionsMonitor(job)]
