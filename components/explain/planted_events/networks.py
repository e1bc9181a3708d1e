"""What networks say of single events: the model's from disk, those of controls asked again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from components.core.config.explain import ExplainConfig
from components.core.modalities import EVENTS
from components.core.progress import Advance, progress
from components.core.upstream import Upstream
from components.explain.control_subjects import control_subjects
from components.explain.event_values import sequences, traced
from components.explain.explained import Explained, Fold
from components.explain.faithfulness.means import Floats
from components.explain.faithfulness.removal import VALID
from components.explain.lots import lots
from components.explain.method import Method
from components.explain.planted_events.facts import Marks
from components.explain.subject import Subject


def of_model(folder: Path, explained: Explained, method: str) -> Floats:
    """Return `[T]` attributions of the events of all folds' records, in their order.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it.
        method: that tells of single events.
    """
    return np.concatenate([_of_fold(folder, fold, method) for fold in explained.folds])


def _of_fold(folder: Path, fold: Fold, method: str) -> Floats:
    samples = fold.records["sample_id"].astype(str).tolist()
    found = traced(folder, samples)
    none = np.zeros(0)
    values = [found.get(sample, {}).get(method, none) for sample in samples]
    lengths = [len(own) for own in values]
    if lengths != sequences(fold).lengths.tolist():
        raise ValueError(f"the traces of '{method}' do not hold every event of every record")
    return np.concatenate([none, *values])


def of_controls(
    explained: Explained, behind: Upstream, controls: Sequence[Upstream], method: Method
) -> list[Floats]:
    """Return of each control network `[T]` attributions of the same events.

    With folds a control network has a twin in each: together they are one.
    """
    taught = [control_subjects(fold.subject, behind, controls) for fold in explained.folds]
    total = sum(len(each) for own in taught for each in own)
    if not total:
        return []
    with progress(f"explain: controls by {method.NAME}", total, "records") as advance:
        by_fold = [[_asked(each, method, explained.config, advance) for each in own]
                   for own in taught]  # fmt: skip
    return [np.concatenate(each) for each in zip(*by_fold, strict=True)]


def _asked(subject: Subject, method: Method, config: ExplainConfig, advance: Advance) -> Floats:
    parts: list[Floats] = [np.zeros(0)]
    for lot in lots(subject, np.arange(len(subject))):
        values = method.explain(subject, lot, config).values[EVENTS]
        parts.append(values[np.isfinite(values)].astype(np.float64))
        advance(len(lot))
    return np.concatenate(parts)


def taken_out(subject: Subject, marks: Marks, planted: int) -> Floats:
    """Return `[n, K]` log-odds − log-odds without a planted event within its window.

    All of a record's such events of one name go at once; NaN where a record has none.
    """
    found = np.full((len(subject), planted), np.nan)
    for lot in lots(subject, np.arange(len(subject))):
        batch = subject.batch(lot)
        own, number = subject.log_odds(batch), _padded(marks, lot, batch[VALID].shape[1])
        for place in range(planted):
            gone = number == place
            if not gone.any():
                continue
            kept = batch[VALID] * torch.from_numpy(~gone).to(batch[VALID])
            change = own - subject.log_odds({**batch, VALID: kept})
            found[lot, place] = np.where(gone.any(axis=1), change, np.nan)
    return found


def _padded(marks: Marks, lot: np.ndarray, steps: int) -> np.ndarray:
    """Return `[n, S]` the planted event within its window that each step is, −1 of others."""
    number = np.full((len(lot), steps), -1)
    inside = np.where(marks.inside, marks.number, -1)
    for row, record in enumerate(lot.tolist()):
        start, end = marks.offsets[record : record + 2].tolist()
        number[row, : end - start] = inside[start:end]
    return number
