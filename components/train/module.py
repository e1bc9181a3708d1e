"""The training step, the validation figures, optimiser and schedule, as Lightning wants them."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, ReduceLROnPlateau

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.errors import ConfigError
from components.core.heads.binary import pair_of
from components.core.heads.registry import View
from components.core.models.extra import (
    advance,
    loss_weights,
    own_losses,
    weigh_classes,
    weighted_sum,
)
from components.core.models.imputing import Imputing
from components.train.absence import drop_modalities
from components.train.augment import augment
from components.train.augment_media import augment_media
from components.train.branches import (
    branches_of,
    check_branches,
    check_pretraining,
    check_records,
    droppable,
    parameter_groups,
)
from components.train.figures import Figures, check_judged, check_kept, column
from components.train.hidden import HiddenError
from components.train.losses import JointLoss
from components.train.modulation import confidences, factors, modulate
from components.train.phases import Phases
from components.train.prior import TruePrior, check_two_classes
from components.train.schedules import forget, plateau, stepwise


class Module(lightning.LightningModule):
    """One model with its heads on one fold.

    Args:
        model: takes a batch, returns logits per head.
        train: the training rows; loss weights and normalisation come from them.
        config: all settings.
        heads: what is trained, the primary head first; its figures are the validation's.
        seed: of augmentation and dropout.

    Raises:
        ConfigError: a setting needs branches, losses or a kind of head that the model lacks, or a
            branch has no records to learn from.
    """

    def __init__(
        self, model: nn.Module, train: Rows, *, config: FitConfig, heads: HeadMap, seed: int
    ) -> None:
        super().__init__()
        check_branches(model, config)
        check_records(model, train)
        check_pretraining(model, config)
        check_kept(heads, config)
        self.model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        primary = next(iter(heads))
        self._heads, self._train = heads, train
        self._view = View(name=primary, head=heads[primary])
        self._config, self._seed = config, seed
        self.loss = JointLoss(heads, train, config)
        pairs = {name: pair_of(name, head, train.frame, config)
                 for name, head in heads.items() if isinstance(head, BinaryHead)}  # fmt: skip
        weigh_classes(model, pairs)
        drawn = config.sampler == "balanced"
        self._prior = TruePrior(self._view, model, train) if drawn else None
        if config.modulation != "none":
            check_two_classes(primary, heads[primary], f"fit.modulation={config.modulation}")
        self._branches, self._droppable = branches_of(model), droppable(model)
        self._factors: dict[str, float] = {}
        self._drops, self._noise = torch.Generator(), torch.Generator()
        self._finish = Finisher(train.stats)
        self._rng = torch.Generator()
        self._drawn_for = -1
        self.phases = Phases(config)
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_before: dict[str, Any] | None = None
        self._stopped_before = False
        self._steps = max(1, len(train) // config.batch)
        self._figures: Figures | None = None
        self._hidden = HiddenError() if isinstance(model, Imputing) else None

    def validate_on(self, rows: Rows) -> tuple[str, ...]:
        """Say whose figures the validation batches make, in their order.

        Returns:
            The heads that they can judge.

        Raises:
            ConfigError: they cannot judge the head that `fit.keep` names.
        """
        self._figures = Figures(self._heads, rows, self._train)
        check_judged(self._figures, self._config, rows.stats.fold)
        return self._figures.judged

    def count_steps(self, steps: int) -> None:
        """Take in how many steps an epoch has; schedules follow it."""
        self._steps = steps

    def _draw(self) -> None:
        """Draw dropout and augmentation from (seed, epoch), so that a resumed run goes on alike.

        Not in `on_train_epoch_start`: Lightning leaves that hook out in the epoch it resumes in.
        """
        self._drawn_for = self.current_epoch
        draw = np.random.SeedSequence([self._seed, self.current_epoch]).generate_state(4)
        torch.manual_seed(int(draw[0]))
        self._rng.manual_seed(int(draw[1]))
        self._drops.manual_seed(int(draw[2]))
        self._noise.manual_seed(int(draw[3]))
        advance(self.model, self.current_epoch)
        if self._config.pretrain_epochs and self.current_epoch == self.phases.begin:
            self._start_cycle()

    def _start_cycle(self) -> None:
        """Let warm restarts begin anew, at the peak rate, with the heads."""
        schedule = self.lr_schedulers()
        if isinstance(schedule, CosineAnnealingWarmRestarts):
            schedule.step(0)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Normalise on the device; augment and drop modalities while training."""
        del dataloader_idx
        if self.training and self._drawn_for != self.current_epoch:
            self._draw()
        ready = self._finish(batch)
        if not self.training:
            return ready
        if self._config.modality_dropout:
            chance = self._config.modality_dropout
            ready = drop_modalities(ready, self._droppable, chance=chance, rng=self._drops)
        ready = augment_media(ready, self._config.aug, self._rng)
        return augment(ready, self._config.aug, self._rng)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of one batch.

        It is that of the heads, `fit.auxiliary` times the branches' own, and the model's own by
        their weights; while pretraining the model's own alone. The loss of the heads is at the
        prior of the draws, validation's is at the true one.
        """
        del batch_idx
        answers, size = self.model(batch), len(batch["weight"])
        extra = own_losses(answers)
        for name, loss in extra.items():
            self._tell(f"train/loss_{name}", loss, size)
        pretraining = not self.phases.heads_learn(self.current_epoch)
        if self._config.pretrain_epochs:
            self._tell("train/pretraining", float(pretraining), size)
        total = self._weighed(extra) if pretraining else self._of_heads(answers, batch, extra)
        self._tell("train/loss", total, size)
        return total

    def _weighed(self, extra: Batch) -> Tensor:
        if not extra:
            raise ConfigError(
                f"fit.pretrain_epochs={self._config.pretrain_epochs}, but the model returned no "
                "loss of its own in a training step; set fit.pretrain_epochs=0"
            )
        return weighted_sum(extra, loss_weights(self.model))

    def _of_heads(self, logits: Batch, batch: Batch, extra: Batch) -> Tensor:
        drawn = logits if self._prior is None else self._prior.as_drawn(logits)
        main, size = self.loss(drawn, batch), len(batch["weight"])
        own = self.loss.own(logits, batch) if self._config.auxiliary else {}
        if own or extra:
            self._tell("train/loss_main", main, size)
        total = main + self._weighed(extra) if extra else main
        if not own:
            return total
        for name, loss in own.items():
            self._tell(f"train/loss_{name}", loss, _there(batch, name, size))
        if self._config.modulation != "none":
            self._compare(logits, batch, size)
        return total + self._config.auxiliary * torch.stack(list(own.values())).sum()

    def _tell(self, name: str, value: Tensor | float, size: int) -> None:
        """Log the epoch's mean over records; nothing of no record."""
        if size:
            self.log(name, value, on_step=False, on_epoch=True, batch_size=size)

    def _compare(self, logits: Batch, batch: Batch, size: int) -> None:
        """Keep by how much the gradients of this step's branches will be slowed."""
        found = confidences(logits, batch, self._view)
        self._factors = factors(found, strength=self._config.modulation_strength)
        for name, factor in self._factors.items():
            self._tell(f"train/factor_{name}", factor, size)

    def on_after_backward(self) -> None:
        """Modulate the branches' gradients, before their norm is bounded."""
        if self._factors:
            modulate(self._branches, self._factors, self._noise)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep what one batch comes to."""
        del batch_idx
        if self._figures is None:
            return
        logits = self.model(batch)
        losses = {name: float(loss) for name, loss in self.loss.each(logits, batch).items()}
        self._figures.add(logits, losses | {"": float(self.loss(logits, batch))})
        if self._hidden is not None:
            self._hidden.add(self.model, batch)  # pyright: ignore[reportArgumentType]

    def on_validation_epoch_end(self) -> None:
        """Log patient-level validation figures."""
        if self._figures is None:
            return
        figures = self._figures.take()
        error = None if self._hidden is None else self._hidden.take()
        if error is not None:
            figures["val/impute"] = error
        self.phases.judge(self.current_epoch, error)
        # float64 on the device's own terms: Lightning would round the monitor to float32.
        self.log_dict({k: torch.tensor(v, dtype=torch.float64) for k, v in figures.items()})

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Bound the gradient's norm (Lightning's own clipping refuses a fused optimiser)."""
        del optimizer, gradient_clip_val, gradient_clip_algorithm
        torch.nn.utils.clip_grad_norm_(self.parameters(), self._config.grad_clip)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return AdamW and its schedule."""
        # One kernel for all parameters; with fp16 the gradients must first be unscaled one by one.
        fused = self.trainer.precision != "16-mixed"
        optimiser = torch.optim.AdamW(
            parameter_groups(self, self.model, self._config),
            lr=self._config.lr, weight_decay=self._config.weight_decay, fused=fused,
        )  # fmt: skip
        schedule = stepwise(optimiser, self._config, steps=self._steps)
        if schedule is not None:
            plan = {"scheduler": schedule, "interval": "step"}
            return {"optimizer": optimiser, "lr_scheduler": plan}
        if self._figures is None:  # no validation, no plateau: a refit keeps the peak rate
            return optimiser
        self._plateau = plateau(optimiser, self._config)
        if self._plateau_before is not None:
            self._plateau.load_state_dict(self._plateau_before)
        return optimiser

    def on_train_epoch_end(self) -> None:
        """Step the plateau schedule, once the heads learn.

        Lightning would step it after the epoch's checkpoint is written, and a run resumed from
        that checkpoint would have forgotten the step.
        """
        if self._plateau is None or not self.phases.heads_learn(self.current_epoch):
            return
        if self.phases.fresh:
            forget(self._plateau)
        watched = column(self._config.keep, self._heads, self._config)
        self._plateau.step(float(self.trainer.callback_metrics[watched]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of phases and plateau, and whether the training was to end here."""
        checkpoint["stopped"] = bool(self.trainer.should_stop)
        checkpoint["phases"] = self.phases.state_dict()
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the state of phases and plateau; the optimiser is made after this."""
        self.phases.load_state_dict(checkpoint["phases"])
        self._stopped_before = bool(checkpoint.get("stopped", False))
        self._plateau_before = checkpoint.get("plateau")

    def on_train_start(self) -> None:
        """Train no further where early stopping had ended the training that is resumed.

        Lightning forgets that it was to stop, and would go on until it is told so again.
        """
        if self._stopped_before:
            self.trainer.should_stop = True


def _there(batch: Batch, name: str, size: int) -> int:
    """Return how many of a batch's `size` records have a modality."""
    mask = batch.get(f"{name}_mask")
    return size if mask is None else int((mask > 0).sum())
