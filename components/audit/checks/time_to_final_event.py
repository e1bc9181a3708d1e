"""Times of events measured from the final event, discharge or death, in place of the prediction."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.sequences import NONE, described, with_events
from components.audit.stay_end import SPOKEN, known_ends, ties

NAME = "time_to_final_event"
SEVERITY: Severity = "block"
_TIMES = {"last_hours": "the last event", "first_hours": "the first event"}
# In MIMIC-IV's demo the last event lies at the prediction itself in 1 of 117 stays.
_MOST = 0.5


def check(audited: Audited) -> Finding:
    """Return whether times run back from the end of the stay rather than from the prediction.

    Measured from the end, the hours from the last (and first) event grow with the time that the
    stay went on; measured from the final event itself, the last event lies at 0 in every sequence.
    The second shows where nobody says when stays end, too.
    """
    frame = with_events(audited)
    if frame.empty:
        return NONE
    table = described(audited, frame)
    found = ties(frame, table[list(_TIMES)].rename(columns=_TIMES))
    bound = audited.config.stay_end_correlation
    telling = [tie for tie in found if tie.strength >= bound]
    at_zero = float((table["last_hours"] == 0).mean())
    told = [
        f"the hours from {tie.name} grow with the time to the end of the {SPOKEN[tie.end]} "
        f"(correlation {tie.strength:.2f})"
        for tie in telling
    ]
    if at_zero > _MOST:
        told.append(f"the last event lies exactly at the prediction in {at_zero:.0%} of them")
    return Finding(
        passed=not told,
        sentence=f"times of {len(frame)} sequences are measured from their end: {'; '.join(told)}"
        if told
        else _passed(frame, table),
        evidence={
            "bound": bound,
            "correlation": {tie.name: round(tie.strength, 4) for tie in found},
            "last_event_at_the_prediction": round(at_zero, 4),
            "median_hours_to_the_last_event": round(float(table["last_hours"].median()), 2),
        },
    )


def _passed(frame: pd.DataFrame, table: pd.DataFrame) -> str:
    hours = f"the last event lies {table['last_hours'].median():.1f} h before it in the median"
    if known_ends(frame):
        return f"times of {len(frame)} sequences are measured from the prediction; {hours}"
    return (
        "it is not known when the stays end, so that times could not be compared with it; "
        f"sequences do not end at the prediction itself, and {hours}"
    )
