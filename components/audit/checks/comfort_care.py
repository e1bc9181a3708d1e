"""Orders of comfort care among the events: they tell a prognosis rather than help to make one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import row_numbers
from components.audit.sequences import NONE, lots, with_events
from components.core.data.comfort_care import by_phrase
from components.core.data.event_shards import read_texts
from components.core.modalities import EVENTS
from components.core.schemas import COMFORT_CARE_COUNT, require_columns

NAME = "comfort_care"
SEVERITY: Severity = "block"
Flags = npt.NDArray[np.bool_]


def check(audited: Audited) -> Finding:
    """Return the sequences that still hold such orders, and who had those that were left out.

    The texts of the events themselves are read, whatever the settings say. Phrases are told by
    name and never as written.

    Raises:
        InputError: the manifest does not say how many orders there were.
    """
    if EVENTS not in audited.stage.facts.get("modalities", ()):
        return NONE
    frame = with_events(audited)
    where = "the manifest of the prepared cohort"
    require_columns(audited.manifest, [COMFORT_CARE_COUNT], where)
    held = _held(audited, frame)
    inside = np.logical_or.reduce([*held.values(), np.zeros(len(frame), np.bool_)])
    if inside.any():
        return _refused(frame, held, inside)
    return _left_out(audited)


def _held(audited: Audited, frame: pd.DataFrame) -> dict[str, Flags]:
    """Return of each phrase `[n]` whether a record's events have it."""
    said = by_phrase(read_texts(audited.stage.folder))
    found = {name: np.zeros(len(frame), np.bool_) for name in said}
    for first, events in lots(audited, frame) if said else ():
        owner = first + np.repeat(np.arange(len(events.lengths)), events.lengths)
        for name, own in said.items():
            found[name][owner[own[events.text]]] = True
    return found


def _refused(frame: pd.DataFrame, held: dict[str, Flags], inside: Flags) -> Finding:
    phrases = {name: int(own.sum()) for name, own in held.items() if own.any()}
    told = ", ".join(f"'{name}' in {n}" for name, n in phrases.items())
    return Finding(
        passed=False,
        sentence=f"{int(inside.sum())} of {len(frame)} sequences hold orders of comfort care or "
        f"of limits of treatment ({told}), {_of_labels(frame, inside)}; set "
        "preprocess.events.comfort_care to 'drop'",
        evidence=_evidence(frame, inside, phrases),
    )


def _left_out(audited: Audited) -> Finding:
    frame = audited.manifest
    inside = frame[COMFORT_CARE_COUNT].fillna(0).gt(0).to_numpy(np.bool_)
    if not inside.any():
        return Finding(passed=True, sentence="no event is an order of comfort care")
    orders = int(frame[COMFORT_CARE_COUNT].sum())
    return Finding(
        passed=True,
        sentence=f"{orders} order(s) of comfort care or of limits of treatment were left out of "
        f"{int(inside.sum())} of {len(frame)} sequences, {_of_labels(frame, inside)}",
        evidence=_evidence(frame, inside, dict(audited.stage.facts["comfort_care"])),
    )


def _of_labels(frame: pd.DataFrame, inside: Flags) -> str:
    own = {label: frame["label"].eq(label).fillna(value=False) for label in (1, 0)}
    told = [f"{int((inside & rows).sum())} of {int(rows.sum())}" for rows in own.values()]
    return f"of {told[0]} with the event and {told[1]} without it"


def _evidence(frame: pd.DataFrame, inside: Flags, phrases: dict[str, int]) -> dict[str, Any]:
    return {
        "records": int(inside.sum()),
        "records_per_phrase": phrases,
        "positive_records": int((inside & frame["label"].eq(1).fillna(value=False)).sum()),
        "negative_records": int((inside & frame["label"].eq(0).fillna(value=False)).sum()),
        "rows": row_numbers(frame[inside]),
    }
