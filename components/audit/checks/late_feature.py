"""A feature, or the ECG itself, that is known only after the prediction time."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.core.schemas import TABULAR_PREFIX, TIME_PREFIX, columns_under, tabular_columns

NAME = "feature_after_prediction"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return what was measured after the index date although it is used for the prediction.

    A feature counts where it has a value and its `time.<feature>` is later than `index_time`; the
    ECG where `ecg_time` is, unless the task is surveillance (no ECG window). What brings no times
    cannot be checked; the evidence says how much that is.
    """
    frame = audited.manifest
    late: dict[str, pd.Series] = {}
    timed = columns_under(frame, TIME_PREFIX)
    for name in timed:
        value = f"{TABULAR_PREFIX}{name}"
        if value in frame:
            late[name] = _after(frame, f"{TIME_PREFIX}{name}") & frame[value].notna()
    surveillance = (audited.stage.facts.get("ecg") or {}).get("window_days", 0) is None
    if "ecg_time" in frame and not surveillance:
        late["ecg"] = _after(frame, "ecg_time")
    counts = {name: int(found.sum()) for name, found in late.items() if found.any()}
    inside = pd.concat(list(late.values()), axis=1).any(axis=1) if late else None
    untimed = [name for name in tabular_columns(frame) if name not in timed]
    told = ", ".join(f"'{name}' in {count} record(s)" for name, count in counts.items())
    return Finding(
        passed=not counts,
        sentence=f"known only after the prediction time: {told}"
        if counts
        else f"nothing with a time lies after the prediction time; {len(untimed)} feature(s) "
        "bring no time",
        evidence={
            "records_per_feature": counts,
            "features_without_time": untimed,
            "rows": row_numbers(frame[inside]) if counts and inside is not None else [],
        },
    )


def _after(frame: pd.DataFrame, column: str) -> pd.Series:
    if "index_time" not in frame:
        return pd.Series(data=False, index=frame.index)
    return (frame[column] > frame["index_time"]).fillna(value=False).astype(bool)
