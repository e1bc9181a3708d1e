"""What imputation is worth to the heads: their AUROC where half of what is there is hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from components.core.config.heads import BinaryHead, HeadConfig, HeadMap
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.heads.known import binary_truth
from components.core.heads.registry import View
from components.core.imputation.answers import concealed, filled, ready_batches
from components.core.imputation.fold import FoldImputer
from components.core.imputation.hide import half
from components.core.imputation.pairs import OURS
from components.core.imputation.vectors import Flags, Floats, Values
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    Figures,
    PatientTables,
    difference,
    headline_figures,
    patient_table,
    pooled,
)
from components.core.modalities import EmbeddingModality
from components.core.models.imputing import Masking
from components.evaluate.power import class_sizes, is_small
from components.evaluate.predictions import position

WHOLE, MASKED = "whole", "masked"
Answer = Callable[[nn.Module, Batch], dict[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Worth:
    """A head's answers where half of what each patient has is hidden.

    Attributes:
        head: its name.
        patients: whose truth is known, and `events` of them.
        events: see `patients`.
        powered: at least 20 patients of either class.
        figures: way → AUROC and AUPRC; `whole` is with nothing hidden, `model` our own.
        gaps: way → ours minus it, on the same draws of patients.
    """

    head: str
    patients: int
    events: int
    powered: bool
    figures: dict[str, Figures]
    gaps: dict[str, Figures]


def answers_frame(
    imputer: FoldImputer, rows: Rows, heads: HeadMap, *, fold: str, seed: int
) -> pd.DataFrame:
    """Return one row per test record with `logit.<head>.<way>`, truths and weights.

    Ways: `whole` with nothing hidden; `model`, which imputes what is hidden itself; every peer,
    whose vectors the model takes as if they were recorded; `masked`, what is hidden taking no part,
    of models that can (`core.models.imputing.Masking`).

    Args:
        imputer: of the fold.
        rows: its test part.
        heads: of the training.
        fold: its name.
        seed: of what is hidden.
    """
    truth = imputer.read(rows)
    hidden = half(truth.there, seed=seed)
    seen = truth.without(hidden)
    vectors = {way: imputer.by_peer(way, seen) for way in imputer.peers}
    judged = {name: head for name, head in heads.items() if isinstance(head, BinaryHead)}
    columns = _log_odds(imputer, rows, judged, _forward, None, None)
    found = {f"logit.{head}.{WHOLE}": own for head, own in columns.items()}
    for way, values in [(OURS, None), *vectors.items()]:
        columns = _log_odds(imputer, rows, judged, _forward, hidden, values)
        found |= {f"logit.{head}.{way}": own for head, own in columns.items()}
    if all(isinstance(model, Masking) for model in imputer.models):
        columns = _log_odds(imputer, rows, judged, _masked, hidden, None)
        found |= {f"logit.{head}.{MASKED}": own for head, own in columns.items()}
    repeat, number = position(fold)
    truths = {f"y.{name}": _truth(name, head, rows) for name, head in judged.items()}
    kept = rows.frame[["sample_id", "patient_id", "weight"]]
    return kept.assign(repeat=repeat, fold=number, hidden=hidden.sum(axis=1), **truths, **found)


def _truth(name: str, head: HeadConfig, rows: Rows) -> Floats:
    own = binary_truth(name, head, rows.frame)
    return np.asarray(own.astype("Float64").to_numpy(np.float64, na_value=np.nan), np.float64)


def _forward(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    return model(batch)


def _masked(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    return cast(Masking, model).masked(batch)


def _log_odds(
    imputer: FoldImputer,
    rows: Rows,
    heads: dict[str, BinaryHead],
    answer: Answer,
    hidden: Flags | None,
    values: Values | None,
) -> dict[str, Floats]:
    """Return head → `[n]` mean log-odds of the models.

    Args:
        imputer: of the fold.
        rows: its test part.
        heads: that count.
        answer: how a model is asked.
        hidden: `[n, M]`; None for nothing.
        values: modality → `[n, W]` what is put in the place of what is hidden; None for nothing.
    """
    parts: dict[str, list[Floats]] = {name: [] for name in heads}
    for index, _, ready in ready_batches(rows, imputer.place):
        batch = ready
        if hidden is not None:
            batch = _changed(ready, imputer.names, hidden[index], _part(values, index))
        with torch.no_grad():
            said = [answer(cast(nn.Module, model), batch) for model in imputer.models]
        for name, head in heads.items():
            view = View(name=name, head=head)
            each = [view.log_odds({k: v.float().cpu() for k, v in own.items()}) for own in said]
            parts[name].append(np.mean([own.double().numpy() for own in each], axis=0))
    return {name: np.concatenate(own) for name, own in parts.items()}


def _part(values: Values | None, index: np.ndarray) -> Values | None:
    return None if values is None else {name: own[index] for name, own in values.items()}


def _changed(
    batch: Batch, names: tuple[EmbeddingModality, ...], hidden: Flags, values: Values | None
) -> Batch:
    device = batch[f"{names[0]}_mask"].device
    gone: dict[EmbeddingModality, Tensor] = {
        name: torch.from_numpy(hidden[:, m]).to(device) for m, name in enumerate(names)
    }
    if values is None:
        return concealed(batch, gone)
    changed = batch
    for name, who in gone.items():
        vector = torch.from_numpy(values[name]).float().to(device)
        changed = filled(changed, name, who, vector)
    return changed


def worth(
    frame: pd.DataFrame, head: str, plan: Plan, *, weight: pd.Series | None, folded: bool
) -> Worth:
    """Return a head's figures by every way.

    Args:
        frame: from `answers_frame`, of all folds.
        head: its name.
        plan: the bootstrap.
        weight: by row, for censoring; None for ones.
        folded: cross-validated.
    """
    start = f"logit.{head}."
    ways = [str(c).removeprefix(start) for c in frame.columns if str(c).startswith(start)]
    known = frame[f"y.{head}"].notna()
    own = frame.loc[known, ["sample_id", "patient_id", "repeat", "fold"]].assign(
        label=frame[f"y.{head}"], weight=1.0 if weight is None else weight,
        logit=frame[f"{start}{OURS}"], **{f"logit.{way}": frame[f"{start}{way}"] for way in ways},
    )  # fmt: skip
    columns = ["logit", *(f"logit.{way}" for way in ways)]
    each = patient_table(own, columns)
    tables = PatientTables(each=each, pooled=pooled(each, columns), folded=folded)
    events, others = class_sizes(tables.pooled)
    enough = min(events, others) > 0
    others_than_ours = [way for way in ways if way not in (OURS, WHOLE)]
    return Worth(
        head=head,
        patients=events + others,
        events=events,
        powered=not is_small(tables.pooled),
        figures={way: headline_figures(tables, f"logit.{way}", plan) for way in ways if enough},
        gaps={way: difference(tables, f"logit.{way}", plan) for way in others_than_ours if enough},
    )
