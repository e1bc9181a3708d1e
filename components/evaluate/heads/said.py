"""What every head says of the test records, calibrated on validation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core.config.heads import BinaryHead, ConfidenceHead, HeadMap
from components.core.config.task import TaskConfig
from components.core.data.cohort import Rows
from components.core.data.held_out import Opening, read_test
from components.core.device import Place
from components.core.heads.known import binary_truth, truth_column
from components.core.heads.registry import View, from_json, head_file
from components.core.metrics.tables import floats
from components.core.predict import predict_logits
from components.core.progress import progress
from components.core.schemas import TRUTH_PREFIX, is_outcome
from components.core.store import Stage
from components.core.trained import loaded, members_of, stats_of
from components.core.upstream import Upstream
from components.evaluate.endpoints.weights import own_weights
from components.evaluate.heads.calibrated import calibrations, one_sided, threshold_of
from components.evaluate.heads.tables import MARGIN_PREFIX, SCORE_PREFIX, WEIGHT_PREFIX
from components.evaluate.predictions import FoldTest, position

Floats = npt.NDArray[np.float64]
Logits = dict[str, npt.NDArray[np.float32]]


def heads_frame(
    stages: Upstream, task: TaskConfig, tests: list[FoldTest], opening: Opening, place: Place
) -> pd.DataFrame:
    """Return one row per fold and test record, whatever is known of it.

    Columns: `sample_id, patient_id, repeat, fold`, times where there are any, per head `y.<head>`
    (0 or 1, or the place of the category) and what it says, `out.<head>.<name>`; of a binary head
    with an endpoint `score.<head>`, `margin.<head>` and `weight.<head>`, too (`heads/tables.py`).
    In a fold whose validation part has one class only of such a head, what it would have taught is
    missing: its margin, and what it says unless nothing is recalibrated.
    """
    heads = from_json(stages.train.facts["heads"])
    parts: list[pd.DataFrame] = []
    with progress("evaluate: heads", len(tests), "folds") as advance:
        for test in tests:
            own = stats_of(stages.train, test.fold)
            rows = read_test(stages.cohort, test.fold, opening, unlabelled=True, stats=own)
            said = _fold(stages.train, task, test, rows, heads, place)
            weights = own_weights(heads, stages.cohort, test.fold, rows.frame)
            parts.append(said.assign(**{f"{WEIGHT_PREFIX}{n}": w for n, w in weights.items()}))
            advance(1)
    return pd.concat(parts, ignore_index=True)


def _fold(
    train: Stage, task: TaskConfig, test: FoldTest, rows: Rows, heads: HeadMap, place: Place
) -> pd.DataFrame:
    members = members_of(train, test.fold)
    logits = [predict_logits(loaded(train, m), rows, place=place) for m in members]
    own = calibrations(train, [test.fold], members, task.evaluate.recalibrate)
    columns = _truths(train, task, test, rows, heads, logits)
    for name, head in heads.items():
        stacked = torch.from_numpy(np.stack([each[name] for each in logits]))
        if name in own:
            said = head_file(head).answers(head, stacked, own[name])
        else:
            said = dict.fromkeys(("p", "logit"), np.full(len(rows), np.nan))
        columns |= {f"out.{name}.{key}": values for key, values in said.items()}
        if isinstance(head, BinaryHead) and head.endpoint:
            columns |= _decided(train, task, test, View(name=name, head=head), logits)
    repeat, fold = position(test.fold)
    kept = ["sample_id", "patient_id", *filter(is_outcome, rows.frame.columns)]
    return rows.frame[kept].assign(repeat=repeat, fold=fold, **columns)


def _decided(
    train: Stage, task: TaskConfig, test: FoldTest, own: View, logits: list[Logits]
) -> dict[str, Floats]:
    """Return the head's mean log-odds, and how far they lie above its threshold, if it has one."""
    score = np.mean([log_odds_of(own, each) for each in logits], axis=0)
    cut = np.nan
    if not one_sided(train, [test.fold], own.name):
        cut = threshold_of(train, [test.fold], own.name, task.evaluate.threshold)
    return {f"{SCORE_PREFIX}{own.name}": score, f"{MARGIN_PREFIX}{own.name}": score - cut}


def _truths(
    train: Stage,
    task: TaskConfig,
    test: FoldTest,
    rows: Rows,
    heads: HeadMap,
    logits: list[Logits],
) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for name, head in heads.items():
        if isinstance(head, ConfidenceHead):
            cut = threshold_of(train, [test.fold], head.of, task.evaluate.threshold)
            judged = View(name=head.of, head=heads[head.of])
            found[f"{TRUTH_PREFIX}{name}"] = _right(judged, rows, logits, cut)
        else:
            found[f"{TRUTH_PREFIX}{name}"] = floats(rows.frame, truth_column(name, rows.frame))
    return found


def _right(judged: View, rows: Rows, logits: list[Logits], threshold: float) -> Floats:
    """Return `[n]` whether the judged head's call at its validation threshold is right."""
    mean = np.mean([log_odds_of(judged, each) for each in logits], axis=0)
    y = floats(rows.frame.assign(y=binary_truth(judged.name, judged.head, rows.frame)), "y")
    right = (mean >= threshold) == (y == 1)
    return np.where(np.isnan(y), np.nan, right.astype(np.float64))


def log_odds_of(judged: View, logits: Logits) -> Floats:
    """Return `[n]` log-odds of a head's binary view."""
    tensors = {name: torch.from_numpy(values) for name, values in logits.items()}
    return judged.log_odds(tensors).double().numpy()
