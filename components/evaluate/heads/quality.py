"""ECG quality scores against people's annotations, or against flags where there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS, Plan
from components.core.metrics.tables import floats
from components.core.schemas import FLAG_PREFIX, QUALITY, TARGET_PREFIX

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
    """How well the quality score finds poor recordings.

    Attributes:
        against: `annotations` or `flags`.
        records: with a score and a truth.
        poor: of them.
        left_out: tested records without either.
        auroc: of 1 − score for being poor; None with one kind only.
    """

    against: str
    records: int
    poor: int
    left_out: int
    auroc: Interval | None

    @property
    def powered(self) -> bool:
        """Return whether there are 20 records of either kind."""
        return min(self.poor, self.records - self.poor) >= RARE_PATIENTS


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
