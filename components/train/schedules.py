"""How the learning rate changes over a training."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LambdaLR, ReduceLROnPlateau

from components.core.config.fit import FitConfig


def stepwise(
    optimiser: Optimizer, config: FitConfig, *, steps: int
) -> LambdaLR | CosineAnnealingWarmRestarts | None:
    """Return the schedule that moves every step; None where it moves by validation.

    Args:
        optimiser: whose rates it sets.
        config: `schedule` and what belongs to it.
        steps: of an epoch.
    """
    if config.schedule == "cosine":
        return LambdaLR(optimiser, lambda step: _cosine(step, steps * config.epochs, config))
    if config.schedule == "restarts":
        first = steps * config.restart_epochs
        return CosineAnnealingWarmRestarts(optimiser, T_0=first, T_mult=config.restart_factor)
    return None


def _cosine(step: int, steps: int, config: FitConfig) -> float:
    rise = max(1, int(config.warmup * steps))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def plateau(optimiser: Optimizer, config: FitConfig) -> ReduceLROnPlateau:
    """Return the schedule that halves the rates where validation stops improving."""
    return ReduceLROnPlateau(
        optimiser,
        mode="min" if config.monitor == "loss" else "max",
        factor=0.5,
        patience=max(1, config.patience // 3),
    )


def forget(schedule: ReduceLROnPlateau) -> None:
    """Let a plateau begin anew, at the rates that it has reached."""
    fresh: dict[str, Any] = {"best": schedule.mode_worse, "num_bad_epochs": 0}
    schedule.load_state_dict(fresh)
