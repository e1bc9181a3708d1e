"""Single records on the page: the ECG with the attribution along its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.data.batches import real_mask
from components.core.report.ecg_paper import Paper, Tracing
from components.core.report.ecg_trace import limit_of
from components.core.row_names import row_names
from components.explain import outputs
from components.explain.embedding_singles import embedding_records
from components.explain.explained import Explained, Fold
from components.explain.media_singles import media_records
from components.explain.page import Record
from components.explain.pictures.means import spoken
from components.explain.pictures.overlay import Answer, millivolts, overlay, shown
from components.explain.whole_notes import noted

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Single:
    fold: Fold
    at: int
    name: str
    tracing: Tracing


def single_records(
    folder: Path, explained: Explained, manifest: pd.DataFrame, *, stays: Sequence[Record] = ()
) -> tuple[Record, ...]:
    """Return records of high, low and middle risk: what they have, and the note where asked for.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it.
        manifest: `sample_id` and `row` of the whole cohort.
        stays: what is shown of sequences of events.
    """
    names = row_names(manifest)
    found = {each.name: each for each in _drawn(folder, explained, names)}
    for each in (
        *media_records(folder, explained, names), *embedding_records(explained, names)
    ):  # fmt: skip
        own = found.get(each.name, replace(each, plots=()))
        found[each.name] = replace(own, plots=(*own.plots, *each.plots))
    for each in stays:
        own = found.get(each.name, Record(name=each.name, facts=each.facts))
        found[each.name] = replace(own, plots=(*own.plots, *each.plots), tables=each.tables)
    for each in noted(explained, names):
        own = found.get(each.name, each)
        found[each.name] = replace(own, words=each.words)
    return tuple(found.values())


def _drawn(folder: Path, explained: Explained, names: pd.Series) -> tuple[Record, ...]:
    """Return the records that are drawn, by the first method that follows the trace."""
    method = next((m.NAME for m in explained.methods if _follows(folder, explained, m.NAME)), "")
    if not method or explained.folds[0].subject.unit != "mV":
        return ()  # a standardised trace has no place on paper of 10 mm/mV
    log_odds = explained.records["log_odds"].to_numpy(np.float64)
    places = [(fold, at) for fold in explained.folds for at in range(len(fold.records))]
    picked = [places[k] for k in shown(log_odds, explained.config.overlays)]
    singles = [
        _Single(
            fold=fold,
            at=at,
            name=str(names[str(fold.records["sample_id"].iloc[at])]),
            tracing=_tracing(folder, fold, at, method),
        )
        for fold, at in picked
    ]
    limit = _limit(singles)
    return tuple(_record(each, method, limit, explained.head.name) for each in singles)


def _follows(folder: Path, explained: Explained, method: str) -> bool:
    first = next((fold for fold in explained.folds if method in fold.said), None)
    if first is None or "ecg" not in first.subject.inputs:
        return False
    sample = str(first.records["sample_id"].iloc[0])
    return len(outputs.dense(folder, method, sample)) == len(first.subject.leads)


def _tracing(folder: Path, fold: Fold, at: int, method: str) -> Tracing:
    subject = fold.subject
    batch = subject.batch(np.array([at]))
    norm = subject.rows.stats.norm()
    mean, sd = (np.asarray(v) for v in ((norm.mean, norm.sd) if norm else ((), ())))
    real = real_mask(batch)
    shown_real = np.ones((1, 1, 1), np.bool_) if real is None else real.cpu().numpy() > 0
    signals = millivolts(batch["ecg"].double().cpu().numpy(), mean=mean, sd=sd, real=shown_real)[0]
    attribution = outputs.dense(folder, method, str(fold.records["sample_id"].iloc[at]))
    return Tracing(
        signals=signals,
        leads=subject.leads,
        fs=subject.fs,
        attribution=attribution.astype(np.float64),
        segments=None if subject.segments is None else subject.segments[at],
    )


def _limit(singles: Sequence[_Single]) -> float | None:
    """Return one scale of colour for all records, so that a pale one is told from a strong one."""
    found = [
        limit_of(np.asarray(each.tracing.attribution, np.float64), each.tracing.fs)
        for each in singles
        if each.tracing.attribution is not None
    ]
    return max(found, default=0.0) or None


def _record(single: _Single, method: str, limit: float | None, event: str) -> Record:
    own = single.fold.records.iloc[single.at]
    answer = Answer(
        name=single.name,
        log_odds=float(own["log_odds"]),
        baseline=float(own["baseline"]),
        sums=_sums(single, method),
    )
    plot = overlay(single.tracing, answer, paper=Paper(limit=limit, event=event))
    return Record(name=answer.name, facts=answer.facts(), plots=(plot,))


def _sums(single: _Single, method: str) -> dict[str, float]:
    """Return the record's modalities, and the segments of its beats, in log-odds."""
    grouped = single.fold.said[method].grouped
    found: dict[str, float] = {}
    for kind in ("modality", "segment"):
        if kind in grouped:
            row = grouped[kind].values[single.at]  # noqa: PD011 - an array
            names = [spoken(name) for name in grouped[kind].names]
            found |= dict(zip(names, row.tolist(), strict=True))
    return found
