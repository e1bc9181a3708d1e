"""Validation figures of one epoch: of the primary head, of every head of several, of their mean."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadConfig, HeadMap
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.heads.censoring import endpoint_of, view_weights
from components.core.heads.known import binary_truth
from components.core.heads.registry import View
from components.core.metrics.discrimination import auprc, auroc
from components.core.metrics.patients import by_patient

MEAN, MONITOR = "mean", "monitor"
# Words under which `fit.json` keeps epochs, and files lie, beside those of the heads.
_BOOKED = ("kept", "final")
_RANKING = {"auroc": auroc, "auprc": auprc}


class Figures:
    """Collects batches of the validation part and says what they come to.

    Args:
        heads: what is trained, the primary head first.
        rows: of the validation part, in the order of its batches.
        train: of the training part, on which an endpoint's censoring is estimated.

    Raises:
        InputError: a record was followed for an endpoint beyond everyone in training.
    """

    def __init__(self, heads: HeadMap, rows: Rows, train: Rows) -> None:
        self._views = {name: View(name=name, head=head) for name, head in heads.items()}
        self._frames = {name: _truths(name, head, rows, train) for name, head in heads.items()}
        self._logits: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in heads}
        self._losses: dict[str, float] = {}
        self._size = len(rows)

    @property
    def judged(self) -> tuple[str, ...]:
        """Return the heads of which the part has both classes; the others have no figures."""
        return tuple(
            name for name, frame in self._frames.items() if frame["label"].dropna().nunique() == 2
        )

    def add(self, logits: Batch, losses: Mapping[str, float]) -> None:
        """Take in a batch.

        Args:
            logits: of every head.
            losses: head → mean loss of the batch, and the joint one under an empty name.
        """
        for name, view in self._views.items():
            self._logits[name].append(view.log_odds(logits).double().cpu().numpy())
        size = len(next(iter(self._logits.values()))[-1])
        for name, loss in losses.items():
            self._losses[name] = self._losses.get(name, 0.0) + loss * size

    def take(self) -> dict[str, float]:
        """Return the figures by name (`val/auroc`, `val/auroc_<head>`) and forget the batches.

        Patient by patient; NaN, which ends a training, where the network has diverged.
        """
        each = {name: self._ranking(name) for name in self._frames}
        for name, figures in each.items():
            figures["loss"] = self._losses[name] / self._size
        primary = next(iter(each))
        found = {f"val/{key}": value for key, value in each[primary].items()}
        found["val/loss"] = self._losses[""] / self._size
        for parts in self._logits.values():
            parts.clear()
        self._losses.clear()
        return found | _of_several({name: each[name] for name in self.judged}, len(each))

    def _ranking(self, name: str) -> dict[str, float]:
        frame = self._frames[name].assign(logit=np.concatenate(self._logits[name]))
        if not np.isfinite(frame["logit"]).all():
            return dict.fromkeys(_RANKING, math.nan)
        own = by_patient(frame)
        return {key: rank(own.label, own.logit, own.weight) for key, rank in _RANKING.items()}


def _truths(name: str, head: HeadConfig, rows: Rows, train: Rows) -> pd.DataFrame:
    frame = rows.frame[["patient_id", "weight"]].assign(label=binary_truth(name, head, rows.frame))
    if endpoint_of(head):
        return frame.assign(weight=view_weights(head, rows.frame, train.frame))
    # A target is seen or not; only the label at a horizon can be censored.
    return frame.assign(weight=1.0) if getattr(head, "target", "") else frame


def _of_several(each: Mapping[str, Mapping[str, float]], heads: int) -> dict[str, float]:
    """Return `val/<figure>_<head>` and the means over the heads; nothing of a single head."""
    if heads < 2 or not each:
        return {}
    found = {f"val/{key}_{name}": value for name, own in each.items() for key, value in own.items()}
    for key in next(iter(each.values())):
        found[f"val/{key}_{MEAN}"] = float(np.mean([own[key] for own in each.values()]))
    return found


def column(name: str, heads: HeadMap, config: FitConfig) -> str:
    """Return the column of the history that holds the figure of `fit.monitor`.

    Args:
        name: `monitor`, `mean`, or a head.
        heads: what is trained.
        config: all settings.
    """
    own = name == MONITOR or len(heads) == 1
    return f"val/{config.monitor}" if own else f"val/{config.monitor}_{name}"


def check_kept(heads: HeadMap, config: FitConfig) -> None:
    """Refuse a `fit.keep` that names no head, and heads whose names mean something else there.

    Raises:
        ConfigError: naming the heads that there are.
    """
    for name in (MEAN, MONITOR, *_BOOKED):
        if name in heads and len(heads) > 1:
            raise ConfigError(f"a head cannot be called '{name}', a word of fit.keep; rename it")
    if config.keep not in (MEAN, MONITOR, *heads):
        raise ConfigError(
            f"fit.keep is '{config.keep}', which is no head; give monitor, mean or one of "
            f"{', '.join(heads)}"
        )


def check_judged(figures: Figures, config: FitConfig, fold: str) -> None:
    """Refuse to keep the best network of a head that validation cannot judge.

    Raises:
        ConfigError: the validation part has one class only for that head.
    """
    if config.keep not in (MEAN, MONITOR, *figures.judged):
        raise ConfigError(
            f"fit.keep is '{config.keep}', but the validation part of fold {fold} has one class "
            "only for that head; set fit.keep: monitor, or bring more data"
        )
