"""What networks trained without something say of the test records, beside the whole one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.config.heads import ConfidenceHead, HeadMap
from components.core.data.cohort import Rows
from components.core.data.held_out import Opening, read_test
from components.core.device import Place
from components.core.heads.known import binary_truth
from components.core.heads.registry import View, from_json
from components.core.members import REFIT, Member
from components.core.predict import predict_logits
from components.core.progress import progress
from components.core.store import Stage
from components.core.trained import loaded, stats_of
from components.core.upstream import Upstream
from components.evaluate.endpoints.weights import own_weights
from components.evaluate.heads.said import Floats, log_odds_of
from components.evaluate.predictions import FoldTest, position

_WHOLE = "whole"


def variants_frame(
    stages: Upstream, tests: list[FoldTest], opening: Opening, place: Place
) -> pd.DataFrame | None:
    """Return the log-odds of the networks trained without something, and of the whole one.

    Columns: `variant` (`whole` is the same seed of the model itself), `head`, `sample_id`,
    `patient_id`, `repeat`, `fold`, `label`, `weight`, `logit`; None where none was trained.
    """
    members = [Member.model_validate(m) for m in stages.train.facts["members"]]
    named = [m for m in members if m.variant and m.fold != REFIT]
    if not named:
        return None
    seed = named[0].seed
    wanted = [m for m in members if m.variant or m.seed == seed]
    heads = from_json(stages.train.facts["heads"])
    parts: list[pd.DataFrame] = []
    with progress("evaluate: variants", len(tests), "folds") as advance:
        for test in tests:
            own = stats_of(stages.train, test.fold)
            rows = read_test(stages.cohort, test.fold, opening, unlabelled=True, stats=own)
            weights = own_weights(heads, stages.cohort, test.fold, rows.frame)
            for member in (m for m in wanted if m.fold == test.fold):
                parts += _said(stages.train, test, member, rows, place, weights=weights)
            advance(1)
    return pd.concat(parts, ignore_index=True)


def _said(
    train: Stage, test: FoldTest, member: Member, rows: Rows, place: Place, *,
    weights: dict[str, Floats],
) -> list[pd.DataFrame]:  # fmt: skip
    logits = predict_logits(loaded(train, member), _seen(member.variant, rows), place=place)
    heads = from_json(train.facts["heads"])
    repeat, fold = position(test.fold)
    found: list[pd.DataFrame] = []
    for head in logits:
        own = weights.get(head, rows.frame["weight"].to_numpy(np.float64))
        label = rows.frame[["sample_id", "patient_id"]].assign(
            weight=own,
            variant=member.variant or _WHOLE,
            head=head,
            repeat=repeat,
            fold=fold,
            label=_label(head, heads, rows),
            logit=log_odds_of(View(name=head, head=heads[head]), logits),
        )
        found.append(label[label["label"].notna()])
    return found


def _seen(variant: str, rows: Rows) -> Rows:
    """Return the rows as the network of a variant sees them."""
    kind, _, name = variant.partition(":")
    lost = {
        "without": [name],
        "only": [each for each in rows.modalities if each != name],
    }.get(kind, [])
    for each in lost:
        rows = rows.without(each)
    return rows


def _label(name: str, heads: HeadMap, rows: Rows) -> pd.Series:
    if isinstance(heads[name], ConfidenceHead):  # its truth is about one network's own answers
        return pd.Series(np.nan, index=rows.frame.index)
    return binary_truth(name, heads[name], rows.frame)
