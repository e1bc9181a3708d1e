"""Events taken from when they happened or were charted, though they were known only later."""

from __future__ import annotations

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.audit.sequences import NONE, described, with_events
from components.core.modalities import enumerated

NAME = "chart_time"
SEVERITY: Severity = "block"
# Kinds whose rows are results: they are always known after the sample was taken.
_RESULTS = ("lab", "microbiology")


def check(audited: Audited) -> Finding:
    """Return the events that happened before the prediction and were known only after it.

    Results that are all said to be known at the very second of their sample come from a source
    that does not tell when they were stored: nothing can be checked, and the sentence says so.
    """
    frame = with_events(audited)
    if frame.empty:
        return NONE
    table = described(audited, frame)
    late, count = table["known_later"] > 0, int(table["known_later"].sum())
    untold = [
        kind for kind in _RESULTS
        if table[f"held_{kind}"].sum() and not table[f"told_{kind}"].sum()
    ]  # fmt: skip
    note = (
        f"; {enumerated(untold)} events are all said to be known when they happened, so that it "
        "could not be checked when they were stored"
    )
    found = (
        f"{count} event(s), in {int(late.sum())} of {len(frame)} sequences, happened before the "
        "prediction but were known only after it"
        if count
        else "no event is said to be known only after the prediction"
    )
    return Finding(
        passed=not count,
        sentence=found + (note if untold else ""),
        evidence={
            "events": count,
            "records": int(late.sum()),
            "kinds_without_a_time_of_storing": untold,
            "rows": row_numbers(frame[late]),
        },
    )
