"""Preprocessing fitted on more, or on other records, than the train part."""

from __future__ import annotations

import numpy as np

from components.audit.finding import Audited, Finding, Severity
from components.core.data import foldstats
from components.core.data.arrays import open_arrays
from components.core.data.cohort import open_shards, read_stats
from components.core.data.event_input import stage_events
from components.core.data.event_stats import EventStats
from components.core.data.foldstats import FoldStats
from components.core.data.texts import EncodedText, TextStats, stage_text
from components.core.heads.known import teaches
from components.core.schemas import PART_PREFIX, fold_names
from components.core.text.tfidf import TfidfEncoder

NAME = "normalisation_scope"
SEVERITY: Severity = "block"
_TOLERANCE = 1e-6


def check(audited: Audited) -> Finding:
    """Return the folds whose saved statistics are not those of their train part.

    The statistics are computed anew from the train part and compared, so that a file that merely
    says "fitted on train" is not believed.
    """
    facts = audited.stage.facts
    columns = tuple(facts["learned_from"])
    known = audited.manifest[teaches(audited.manifest, columns)]
    reader = open_shards(audited.stage, known)
    wrong: list[str] = []
    for fold in fold_names(known):
        train = known[known[f"{PART_PREFIX}{fold}"] == "train"]
        fresh = foldstats.fit_fold(
            fold,
            train,
            list(facts["features"]),
            reader,
            tuple(facts["ecg"]["leads"]),
            stage_text(audited.stage, train),
            open_arrays(audited.stage.folder, train),
            stage_events(audited.stage, train),
        )
        if not same(fresh, read_stats(audited.stage, fold)):
            wrong.append(fold)
    return Finding(
        passed=not wrong,
        sentence=f"the statistics of fold(s) {', '.join(wrong)} are not those of their train part"
        if wrong
        else "every fold's statistics are those of its train part, computed anew",
        evidence={"folds": wrong},
    )


def same(a: FoldStats, b: FoldStats) -> bool:
    """Return whether two statistics were fitted on the same records with the same result."""
    if a.ids_sha256 != b.ids_sha256 or (a.ecg is None) != (b.ecg is None):
        return False
    if a.ecg is not None and b.ecg is not None:
        pairs = [(a.ecg[key], b.ecg[key]) for key in ("mean", "sd")]
        if not all(np.allclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE) for x, y in pairs):
            return False
    if not _same_text(a.text, b.text) or not _same_arrays(a, b):
        return False
    if not _same_events(a.events, b.events):
        return False
    left, right = ({c.name: (c.mean, c.sd) for c in stats.tabular.numeric} for stats in (a, b))
    if left.keys() != right.keys() or a.tabular.categorical != b.tabular.categorical:
        return False
    return all(np.allclose(left[name], right[name], rtol=_TOLERANCE) for name in left)


def _same_arrays(a: FoldStats, b: FoldStats) -> bool:
    pairs = [(a.arrays[name], b.arrays[name]) for name in a.arrays.keys() & b.arrays.keys()]
    close = (
        np.allclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE)
        for one, two in pairs
        for x, y in ((one.mean, two.mean), (one.sd, two.sd))
    )
    return a.arrays.keys() == b.arrays.keys() and all(close)


def _same_events(a: EventStats | None, b: EventStats | None) -> bool:
    if a is None or b is None:
        return a is b
    pairs = [(a.time.mean, b.time.mean), (a.time.sd, b.time.sd)]
    close = all(np.isclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE) for x, y in pairs)
    return a.time.kind == b.time.kind and close and _same_text(a.text, b.text)


def _same_text(a: TextStats | None, b: TextStats | None) -> bool:
    if isinstance(a, EncodedText) and isinstance(b, EncodedText):
        pairs = [(a.mean, b.mean), (a.sd, b.sd)]
        close = all(np.allclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE) for x, y in pairs)
        return a.identity == b.identity and close
    if isinstance(a, TfidfEncoder) and isinstance(b, TfidfEncoder):
        # The terms and in how many notes they are; the directions follow from them.
        return a.terms == b.terms and np.allclose(a.idf, b.idf, rtol=_TOLERANCE)
    return a is None and b is None
