"""What a study asks of whoever trains its trials; the study knows nothing of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from components.core.config.tune import Scalar

Settings = Mapping[str, Scalar]


class Report(Protocol):
    """Tells the study how a running trial is doing."""

    def __call__(self, step: int, value: float) -> None:
        """Report the objective after `step` (from 0).

        Raises:
            optuna.TrialPruned: the trial is hopeless; whoever trains lets it through.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a trial came to.

    Attributes:
        value: of the objective.
        figures: more figures by name, for the trial's MLflow run; `val/auroc` and the like.
    """

    value: float
    figures: dict[str, float] = field(default_factory=dict[str, float])


class Objective(Protocol):
    """Trains with some settings and says how good they are; never on the test split."""

    def __call__(self, settings: Settings, number: int, report: Report) -> Score:
        """Return the score of `settings` (`model.width`, `fit.lr` → value).

        Args:
            settings: of this trial.
            number: of the trial, for names of folders and lines.
            report: told the objective as training goes on.
        """
        ...
