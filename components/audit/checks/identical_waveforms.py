"""The same content in two parts of one fold, whatever the patient ids say."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import shared_groups

NAME = "identical_waveforms"
SEVERITY: Severity = "block"
# Manifest columns that hold a content hash: `ecg_sha256`, and those of further modalities.
_HASH = "_sha256"


def check(audited: Audited) -> Finding:
    """Return how many signals, images or texts lie in more than one part, per fold."""
    columns = [c for c in audited.manifest.columns if c.endswith(_HASH)]
    found = {c.removesuffix(_HASH): shared_groups(audited.manifest, c) for c in columns}
    counts = {name: per_fold for name, (per_fold, _) in found.items() if per_fold}
    worst = sum(max(per_fold.values()) for per_fold in counts.values())
    compared = sum(int(audited.manifest[c].notna().sum()) for c in columns)
    return Finding(
        passed=not counts,
        sentence=f"{worst} waveform(s) or file(s) lie in more than one part of a fold"
        if counts
        else f"none of {compared} content hashes lies in two parts",
        evidence={
            "contents_per_fold": counts,
            "rows": sorted({row for _, rows in found.values() for row in rows}),
        },
    )
