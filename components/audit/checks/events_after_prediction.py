"""Events of a sequence that happened after the prediction."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.audit.sequences import NONE, described, with_events

NAME = "events_after_prediction"
SEVERITY: Severity = "block"


def check(audited: Audited) -> Finding:
    """Return the sequences with events that lie after the prediction time."""
    frame = with_events(audited)
    if frame.empty:
        return NONE
    table = described(audited, frame)
    late = table["after"] > 0
    count = int(table["after"].sum())
    latest = -float(table["last_hours"].min())
    return Finding(
        passed=not count,
        sentence=f"{count} of {int(table['events'].sum())} events, in {int(late.sum())} of "
        f"{len(frame)} sequences, lie up to {latest:.3g} h after the prediction"
        if count
        else f"none of {int(table['events'].sum())} events lies after the prediction",
        evidence={
            "events": count,
            "records": int(late.sum()),
            "rows": row_numbers(frame[late]),
        },
    )
