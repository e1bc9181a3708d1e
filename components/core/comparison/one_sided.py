"""One-sided bound of a paired difference: what a decision for one of two models rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from components.core.comparison.judged import Judged
from components.core.comparison.paired import headline_name, ranked
from components.core.errors import ConfigError
from components.core.metrics.resampling import Plan


@dataclass(frozen=True, kw_only=True)
class OneSided:
    """A difference in AUROC and its lower bound.

    Attributes:
        name: of the figure, `auroc` or `auroc_within_fold`.
        value: the other model's AUROC minus the reference's.
        lower: the difference is at least this, at the level; NaN where no draw defines it.
        level: one-sided, 0.95 for 95 %.
        n_draws: draws made.
        undefined: draws in which a class was missing.
        method: how the bound came about, in words.
    """

    name: str
    value: float
    lower: float
    level: float
    n_draws: int
    undefined: int
    method: str


def one_sided(reference: Judged, other: Judged, plan: Plan, *, level: float = 0.95) -> OneSided:
    """Return by how much the other model's AUROC exceeds the reference's, at least.

    The bound is the lower end of the central interval that leaves 1 - `level` out on either side
    (90 % for a one-sided 95 %): the same draws of the same patients as `paired`, corrected for few
    patients in the same way.

    Args:
        reference: the model to be beaten.
        other: on the same patients and folds.
        plan: how to resample; its own level is not used.
        level: one-sided, above 0.5 and below 1.

    Raises:
        ConfigError: the level is no such number.
    """
    if not 0.5 < level < 1:
        raise ConfigError(f"the one-sided level is {level}; give 0.95 for 95 %")
    found = ranked(reference, other, replace(plan, level=2 * level - 1))["auroc"]
    return OneSided(
        name=headline_name(other),
        value=found.value,
        lower=found.lo,
        level=level,
        n_draws=found.n_draws,
        undefined=found.undefined,
        method=f"lower end of the {found.method}",
    )
