"""An event that stands for the label, or a sequence whose mere length or timing does."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.audit.finding import Audited, Finding, Severity
from components.audit.sequences import NONE, described, lots, with_events
from components.core.data.event_shards import read_texts
from components.core.metrics.discrimination import auroc
from components.core.schemas import codes

NAME = "label_in_events"
SEVERITY: Severity = "block"
# Texts of fewer records tell nothing.
_FEWEST = 20
# A text of fewer patients could name somebody in the evidence.
_FEWEST_PATIENTS = 5
_RARE = "an event of fewer than 5 patients"
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
    found: dict[str, float] = {}
    for name, value in _texts(audited, frame):
        found[name] = max(value, found.get(name, 0.0))
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


def _texts(audited: Audited, frame: pd.DataFrame) -> list[tuple[str, float]]:
    """Return the AUROC of each text's presence, whatever its digits, of those of enough records.

    TF-IDF does without digits, so that "Time of death 14:32" is one text with all its like.
    """
    label, patient = frame["label"].to_numpy(np.int64), codes(frame["patient_id"])
    plain = _plain(read_texts(audited.stage.folder))
    number, size = plain.indices.to_numpy().astype(np.int64), len(plain.dictionary)
    held, patients = np.zeros((2, size), np.int64), np.empty(0, np.int64)
    for first, events in lots(audited, frame):
        owner = first + np.repeat(np.arange(len(events.lengths)), events.lengths)
        both = np.unique(owner << 32 | number[events.text])
        np.add.at(held, (label[both >> 32], both & 0xFFFFFFFF), 1)
        own = patient[both >> 32] << 32 | both & 0xFFFFFFFF
        patients = np.unique(np.concatenate([patients, own]))
    negative, positive = held[0] / (label == 0).sum(), held[1] / (label == 1).sum()
    separation = 0.5 + np.abs(positive - negative) / 2
    many = np.bincount(patients & 0xFFFFFFFF, minlength=size) >= _FEWEST_PATIENTS
    return [
        (f"'{plain.dictionary[at].as_py()}'" if many[at] else _RARE, float(separation[at]))
        for at in np.flatnonzero(held.sum(axis=0) >= _FEWEST).tolist()
    ]


def _plain(texts: pa.Array) -> pa.DictionaryArray:
    """Return the texts in lower case, every run of digits being one."""
    lower = pc.call_function("utf8_lower", [texts])
    options = pc.ReplaceSubstringOptions(r"\d+", "0")
    found = pc.call_function("replace_substring_regex", [lower], options)
    return cast(pa.DictionaryArray, found.dictionary_encode())
