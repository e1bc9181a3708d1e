"""How long the stay went on after the prediction, among the features or in the sequences."""

from __future__ import annotations

import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.sequences import NONE, described, with_events
from components.audit.stay_end import SPOKEN, known_ends, ties
from components.core.schemas import TABULAR_PREFIX, tabular_columns

NAME = "length_of_stay"
SEVERITY: Severity = "block"
_SEQUENCE = {"events": "the number of events", "span_hours": "the hours between first and last"}


def check(audited: Audited) -> Finding:
    """Return the features that tell when the stay ends, of whatever name.

    Each feature, the number of a record's events and their span are compared with the days from
    the prediction to the end of the stay and of the hospital admission (`stay_end.ties`) over all
    records, the test part's, too: the audit learns nothing that training sees. Where the source
    does not say when stays end, nothing can be compared, and the sentence says so.
    """
    frame = with_events(audited)
    if frame.empty:
        return NONE
    if not known_ends(frame):
        return Finding(
            passed=True,
            sentence="it is not known when the stays end, so that no feature could be compared "
            "with it; name the source's columns of it",
        )
    features = {name: frame[f"{TABULAR_PREFIX}{name}"] for name in tabular_columns(frame)}
    own = described(audited, frame)[list(_SEQUENCE)].rename(columns=_SEQUENCE)
    found = ties(frame, pd.concat([pd.DataFrame(features), own], axis=1))
    bound = audited.config.stay_end_correlation
    telling = [tie for tie in found if tie.strength >= bound]
    told = ", ".join(
        f"'{tie.name}' ({tie.strength:.2f}, end of the {SPOKEN[tie.end]})" for tie in telling
    )
    return Finding(
        passed=not telling,
        sentence=f"tells when the stay ends, by a correlation of {bound} or more: {told}"
        if telling
        else f"nothing of {len(found)} features and properties of sequences tells when the stay "
        f"ends; the closest is '{found[0].name}' with a correlation of {found[0].strength:.2f}",
        evidence={
            "bound": bound,
            "correlation": {tie.name: round(tie.strength, 4) for tie in found},
            "end": {tie.name: tie.end for tie in found},
            "records": {tie.name: tie.records for tie in found},
        },
    )
