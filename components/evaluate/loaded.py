"""Do the networks answer as they did in their training? What is loaded might be something else.

Weights, specification and data come from files that other code wrote. Whatever goes wrong between
them (heads in another order, other statistics) gives plausible numbers; so the first validation
records are answered again before the test part is looked at.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core.data.cohort import Rows, read_part
from components.core.device import Place
from components.core.errors import CardioError
from components.core.heads.known import known_columns
from components.core.heads.registry import View, from_json
from components.core.members import Member
from components.core.predict import predict_logits
from components.core.store import Stage
from components.core.trained import loaded, members_of, stats_of

Floats = npt.NDArray[np.float64]
RECORDS = 32
# Log-odds: devices and precisions differ by less, other weights by far more.
_APART = 0.05


def check_loaded(train: Stage, cohort: Stage, fold: str, place: Place) -> None:
    """Raise where a fold's networks answer validation records otherwise than in their training.

    Raises:
        CardioError: head, and by how much.
    """
    known = known_columns(from_json(train.facts["heads"]))
    rows = read_part(cohort, fold, "val", known=known, stats=stats_of(train, fold))
    few = rows.take(np.arange(min(RECORDS, len(rows))))
    for member in members_of(train, fold):
        file = train.folder / member.folder / "val_predictions.parquet"
        said = pd.read_parquet(file).set_index("sample_id").loc[few.frame["sample_id"]]
        for head, now in _answers(train, member, few, place).items():
            column = f"logit.{head}"
            before = said[column if column in said else "logit"].to_numpy(np.float64)
            _compare(head, before, now, fold)


def _answers(train: Stage, member: Member, rows: Rows, place: Place) -> dict[str, Floats]:
    logits = predict_logits(loaded(train, member), rows, place=place)
    tensors = {name: torch.from_numpy(values) for name, values in logits.items()}
    heads = from_json(train.facts["heads"])
    return {
        name: cast(Floats, View(name=name, head=head).log_odds(tensors).double().numpy())
        for name, head in heads.items()
    }


def _compare(head: str, before: Floats, now: Floats, fold: str) -> None:
    apart = np.abs(now - before)
    far = int((apart > _APART * (1 + np.abs(before))).sum())
    if far:
        raise CardioError(
            f"the head '{head}' of fold {fold} answers {far} of {len(now)} validation records "
            f"otherwise than in its training (log-odds off by up to {apart.max():.2g}); the "
            "training's files or the code that reads them have changed; train again"
        )
