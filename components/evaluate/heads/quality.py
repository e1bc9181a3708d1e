"""ECG quality against people's annotations, or against flags where there are none.

Judged is the binary head that learns from the annotations where there is one, else the score that
preprocess gives by rule. The unit is the recording; patients are drawn whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from components.core.config.heads import BinaryHead, HeadMap
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.folds import FoldTable, within_fold, within_fold_difference
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS, Plan
from components.core.metrics.tables import floats
from components.core.schemas import FLAG_PREFIX, QUALITY, TARGET_PREFIX
from components.evaluate.heads.tables import known, output, require, truth

ANNOTATION = f"{TARGET_PREFIX}{QUALITY}"
# The words of the PhysioNet/CinC 2011 challenge (Silva et al., Comput Cardiol 2011;38:273); a
# graded annotation is split at the half. Anything else, `indeterminate` too, is no annotation.
_WORDS = {"acceptable": 0.0, "unacceptable": 1.0}
_HALF = 0.5
# Flags of a signal that cannot be read well; the others are about electrodes and the heart.
POOR_FLAGS = (
    "flat", "saturated", "overrange", "mains", "muscle", "wander", "noisy", "unstable",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QualityFigures:
    """How well poor recordings are found.

    Attributes:
        head: the binary head that is judged; empty where it is preprocess' own score.
        against: `annotations` or `flags`.
        records: with a score and a truth.
        poor: of them.
        left_out: tested records without either.
        auroc: of being poor, by the head or by 1 − score; None with one kind only.
        score: of a head that is judged: AUROC of 1 − score on those of its recordings that have
            one; None where that cannot be told.
        gain: head minus score on these recordings, paired.
    """

    head: str = ""
    against: str
    records: int
    poor: int
    left_out: int
    auroc: Interval | None
    score: Interval | None = None
    gain: Interval | None = None

    @property
    def powered(self) -> bool:
        """Return whether there are 20 records of either kind."""
        return min(self.poor, self.records - self.poor) >= RARE_PATIENTS


def quality_head(heads: HeadMap) -> str:
    """Return the binary head that learns from the annotations of quality; empty without one."""
    for name, head in heads.items():
        if isinstance(head, BinaryHead) and QUALITY in (head.target, name):
            return name
    return ""


def head_figures(
    manifest: pd.DataFrame, frame: pd.DataFrame, name: str, plan: Plan
) -> QualityFigures | None:
    """Return the figures of a quality head, within folds; None where no truth is known.

    Args:
        manifest: of the prepared cohort, with the rule's score where there is one.
        frame: the table of heads.
        name: of the head; its positive class is a poor recording.
        plan: the bootstrap.

    Raises:
        CardioError: a column is missing.
    """
    require(frame, [output(name, "logit")])
    rows = known(frame, name)
    if not len(rows):
        return None
    each = rows.drop_duplicates("sample_id")
    poor = int(each[truth(name)].sum())
    own = QualityFigures(
        head=name,
        against="annotations",
        records=len(each),
        poor=poor,
        left_out=int(frame["sample_id"].nunique()) - len(each),
        auroc=None,
    )
    if not 0 < poor < len(each):
        return own
    auroc = within_fold(_table(rows, name), metrics=("auroc",), plan=plan)["auroc"]
    return replace(own, auroc=auroc, **_beside(manifest, rows, name, plan))


def _table(rows: pd.DataFrame, name: str) -> FoldTable:
    return FoldTable(
        patient=rows["patient_id"].to_numpy(),
        repeat=rows["repeat"].to_numpy(np.int64),
        fold=rows["fold"].to_numpy(np.int64),
        y=floats(rows, truth(name)),
        score=floats(rows, output(name, "logit")),
    )


def _beside(
    manifest: pd.DataFrame, rows: pd.DataFrame, name: str, plan: Plan
) -> dict[str, Interval]:
    """Return the rule's `score` on the same recordings, and the head's `gain` over it."""
    if QUALITY not in manifest.columns:
        return {}
    rule = pd.to_numeric(manifest.set_index("sample_id")[QUALITY])
    scored = rows.assign(rule=rows["sample_id"].map(rule))
    scored = scored[scored["rule"].notna()]
    if scored[truth(name)].nunique() < 2:
        return {}
    table, poor = _table(scored, name), 1 - floats(scored, "rule")
    alone = within_fold(replace(table, score=poor), metrics=("auroc",), plan=plan)
    gap = within_fold_difference(table, poor, metrics=("auroc",), plan=plan)
    return {"score": alone["auroc"], "gain": gap["auroc"]}


def quality_figures(manifest: pd.DataFrame, tested: pd.Series, plan: Plan) -> QualityFigures | None:
    """Return the figures of the tested recordings; None where nobody scored them.

    Args:
        manifest: of the prepared cohort.
        tested: their `sample_id`.
        plan: the bootstrap.
    """
    if QUALITY not in manifest.columns:
        return None
    rows = manifest[manifest["sample_id"].isin(tested)]
    against, poor = poor_recordings(rows)
    scored = pd.to_numeric(rows[QUALITY]).notna() & poor.notna()
    if not scored.any():
        return None
    y, score = poor[scored].to_numpy(np.float64), 1 - floats(rows[scored], QUALITY)
    auroc = None
    if 0 < y.sum() < y.size:
        patients = rows.loc[scored, "patient_id"].to_numpy()
        auroc = bootstrap(y, score, patients, metrics=("auroc",), plan=plan)["auroc"]
    return QualityFigures(
        against=against,
        records=int(y.size),
        poor=int(y.sum()),
        left_out=len(rows) - int(y.size),
        auroc=auroc,
    )


def poor_recordings(rows: pd.DataFrame) -> tuple[str, pd.Series]:
    """Return what says so, `annotations` or `flags`, and 1 for a poor recording, NaN if unknown."""
    if ANNOTATION in rows.columns:
        marked = rows[ANNOTATION]
        numbers = pd.to_numeric(marked, errors="coerce").astype(np.float64)
        graded = (numbers < _HALF).astype(float).where(numbers.between(0, 1))
        words = [_WORDS.get(str(each).strip().lower(), np.nan) for each in marked]
        found = graded.fillna(pd.Series(words, rows.index, dtype=np.float64))
        if found.notna().any():
            return "annotations", found
    flags = [f"{FLAG_PREFIX}{name}" for name in POOR_FLAGS if f"{FLAG_PREFIX}{name}" in rows]
    raised = rows[flags].eq(True).any(axis=1)
    # A flag is null where the recording cannot tell; without any that can, nothing is known.
    known = rows[flags].notna().any(axis=1)
    return "flags", raised.astype(float).where(known)
