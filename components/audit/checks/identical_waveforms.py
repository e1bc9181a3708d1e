"""The same samples in two parts of one fold, whatever the patient ids say."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.core.schemas import PART_PREFIX, fold_names

NAME = "identical_waveforms"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return how many waveforms lie in more than one part, per fold."""
    frame = audited.manifest[audited.manifest["ecg_sha256"].notna()]
    counts: dict[str, int] = {}
    rows: set[str] = set()
    for fold in fold_names(frame):
        parts = frame.groupby("ecg_sha256")[f"{PART_PREFIX}{fold}"].nunique()
        shared = parts.index[parts > 1]
        if len(shared):
            counts[fold] = len(shared)
            rows |= set(frame.loc[frame["ecg_sha256"].isin(shared), "sample_id"])
    worst = max(counts.values(), default=0)
    return Finding(
        passed=not counts,
        sentence=f"{worst} waveform(s) lie in more than one part of a fold"
        if counts
        else f"no waveform of {len(frame)} lies in two parts",
        evidence={"waveforms_per_fold": counts, "records": sorted(rows)[:1000]},
    )
