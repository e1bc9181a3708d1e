"""An event that stands for the label, or a sequence whose mere length or timing does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.sequences import NONE, described, lots, with_events
from components.core.data.event_shards import read_texts
from components.core.metrics.discrimination import auroc

NAME = "label_in_events"
SEVERITY: Severity = "block"
# Texts of fewer records tell nothing, and could name somebody in the evidence.
_FEWEST = 20
_PROPERTIES = {
    "events": "the number of events", "first_hours": "the hours from the first event",
    "last_hours": "the hours from the last event",
}  # fmt: skip
Ints = npt.NDArray[np.int64]


def check(audited: Audited) -> Finding:
    """Return the texts whose presence alone separates the classes, and such properties.

    Both are judged by the AUROC that a single feature may have (`audit.label_auroc`).
    """
    frame = with_events(audited)
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    label = frame["label"].to_numpy(np.int64)
    if len(np.unique(label)) < 2:
        return NONE if frame.empty else Finding(passed=True, sentence="the labels are all alike")
    texts = read_texts(audited.stage.folder)
    found = {f"'{texts[int(place)]}'": value for place, value in _texts(audited, frame, len(texts))}
    table = described(audited, frame)
    for name, spoken in _PROPERTIES.items():
        value = auroc(label, table[name].to_numpy(np.float64))
        found[spoken] = max(value, 1 - value)
    bound = audited.config.label_auroc
    telling = {name: round(value, 4) for name, value in found.items() if value > bound}
    return Finding(
        passed=not telling,
        sentence=f"{', '.join(list(telling)[:5])} alone separate(s) the classes with an AUROC "
        f"above {bound}"
        if telling
        else f"no event and no property of {len(frame)} sequences separates the classes with an "
        f"AUROC above {bound}",
        evidence={"auroc": telling},
    )


def _texts(audited: Audited, frame: pd.DataFrame, size: int) -> list[tuple[int, float]]:
    """Return the AUROC of each text's presence, of those in enough records."""
    label = frame["label"].to_numpy(np.int64)
    held = np.zeros((2, size), np.int64)
    for first, events in lots(audited, frame):
        owner = first + np.repeat(np.arange(len(events.lengths)), events.lengths)
        both = np.unique(owner << 32 | events.text.astype(np.int64))
        np.add.at(held, (label[both >> 32], both & 0xFFFFFFFF), 1)
    negative, positive = held[0] / (label == 0).sum(), held[1] / (label == 1).sum()
    separation = 0.5 + np.abs(positive - negative) / 2
    frequent = np.flatnonzero(held.sum(axis=0) >= _FEWEST)
    return [(int(place), float(separation[place])) for place in frequent]
