"""A sequence of events that comes again in another part under another patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import MOST_ROWS, Apart, shared_groups
from components.audit.sequences import NONE, lots, with_events
from components.audit.similarity.texts import (
    FEWEST_RUNS,
    Hashes,
    event_runs,
    text_copies,
    without_boilerplate,
)
from components.core.data.stored_events import FEWEST_TO_TELL
from components.core.modalities import EVENTS
from components.core.schemas import EVENT_COUNT, HASH_PREFIX

NAME = "near_identical_events"
SEVERITY: Severity = "block"
_HASH = f"{HASH_PREFIX}{EVENTS}"


def check(audited: Audited) -> Finding:
    """Return the sequences that lie in two parts, exactly or but for shifted times and few events.

    Exact ones have the same events at the same times (`sha256.events`, of what ingest read), five
    at least: fewer may be two patients' own. Of others the runs of three events in order are
    compared as the word runs of notes are, so that moved times and other dates change nothing.
    """
    frame = with_events(audited)
    if frame.empty:
        return NONE
    exact, rows = shared_groups(frame[frame[EVENT_COUNT] >= FEWEST_TO_TELL], _HASH)
    sets = without_boilerplate(_runs(audited, frame))
    bound = audited.config.copy_jaccard
    left, right, similarity = text_copies(sets, Apart(frame, same=_HASH), least=bound)
    row = frame["row"].to_numpy(np.int64)
    listed: list[dict[str, Any]] = [
        {"row": int(row[i]), "of_row": int(row[j]), "jaccard": round(float(s), 3)}
        for i, j, s in zip(left, right, similarity, strict=True)
    ]
    compared = sum(len(each) >= FEWEST_RUNS for each in sets)
    worst = max(exact.values(), default=0)
    return Finding(
        passed=not (worst or listed),
        sentence=f"{worst} sequence(s) lie in more than one part of a fold, and {len(listed)} "
        f"pair(s) of different patients in different parts are copies of one another (Jaccard "
        f"similarity {bound} or more)"
        if worst or listed
        else f"no sequence of {compared} long enough to tell comes again in another part",
        evidence={
            "compared": compared,
            "identical_per_fold": exact,
            "identical_rows": rows,
            "pairs": len(listed),
            "listed": listed[:MOST_ROWS],
        },
    )


def _runs(audited: Audited, frame: pd.DataFrame) -> list[Hashes]:
    found: list[Hashes] = []
    for _, events in lots(audited, frame):
        pieces = zip(events.offsets[:-1], events.offsets[1:], strict=True)
        found += [event_runs(events.kind[a:b], events.text[a:b]) for a, b in pieces]
    return found
