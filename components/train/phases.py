"""First imputation, then the heads: which epochs learn what, and from when on the best one counts.

On a small cohort the heads' figure is best within a few epochs, long before imputation has
converged, so that early stopping would keep a network that imputes hardly better than the mean.
Two rules prevent it. Pretraining goes on until `val/impute` stops improving, at most
`fit.pretrain_epochs`. And whenever `val/impute` later improves clearly all the same, the best
epochs so far are forgotten: they are of a network that imputed worse.
"""

from __future__ import annotations

import math
from typing import Any

from components.core.config.fit import FitConfig

# Share of the error that must be gained for an epoch to count as progress. In pretraining a slow
# descent goes on; beside the heads only what is worth losing their best epoch for counts. So the
# kept epoch comes after the last fall of the error by 5 %.
_PROGRESS = 0.01
_CLEAR = 0.05


class Phases:
    """Follows a training epoch by epoch; its state goes into the checkpoint.

    Args:
        config: `pretrain_epochs` and `pretrain_patience`.
    """

    def __init__(self, config: FitConfig) -> None:
        self._patience = config.pretrain_patience
        self.begin = config.pretrain_epochs
        self.since = config.pretrain_epochs
        self.fresh = False
        self._least = math.inf
        self._waited = 0

    def heads_learn(self, epoch: int) -> bool:
        """Return whether the heads' loss counts in an epoch."""
        return epoch >= self.begin

    def judge(self, epoch: int, error: float | None) -> None:
        """Take in the figure of an epoch and decide what the next one learns.

        Afterwards `begin` is the first epoch in which the heads learn, `since` the first that may
        be kept, and `fresh` says whether the best epochs before this one are to be forgotten.

        Args:
            epoch: from 0.
            error: `val/impute`; None where the model does not impute.
        """
        before = not self.heads_learn(epoch)
        gain = _PROGRESS if before else _CLEAR
        better = error is not None and error < self._least * (1 - gain)
        if better:
            self._least = error or 0.0
        self._waited = 0 if better else self._waited + 1
        self.fresh = before or better or epoch == self.begin
        if before and error is not None and self._waited >= self._patience:
            self.begin = epoch + 1
        if self.fresh:
            self.since = max(epoch, self.begin)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {
            "begin": self.begin, "since": self.since, "least": self._least, "waited": self._waited,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of the training that was stopped."""
        self.begin, self.since = int(state["begin"]), int(state["since"])
        self._least, self._waited = float(state["least"]), int(state["waited"])
