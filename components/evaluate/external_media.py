"""Pictures, sounds, embeddings, events of another cohort: prepared as in training, not of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from components.core.data.contents import file_hashes, has_contents
from components.core.modalities import ARRAYS, EMBEDDED, EVENTS
from components.core.store import Stage

_RECORDED = (*ARRAYS, EVENTS)
_SECTION = "embeddings"  # one for all of them


def media_pairs(home: Stage, other: Stage) -> list[tuple[str, Any, Any]]:
    """Return each setting by which files and events became arrays or steps: name, theirs, ours."""
    sections = [each.config.get("preprocess", {}) for each in (other, home)]
    pairs: list[tuple[str, Any, Any]] = []
    there = [each for each in _RECORDED if each in home.facts["modalities"]]
    for name in dict.fromkeys(_SECTION if each in EMBEDDED else each for each in there):
        theirs, ours = (section.get(name, {}) for section in sections)
        pairs += [(f"preprocess.{name}.{k}", theirs.get(k), own) for k, own in ours.items()]
    return pairs


def seen_recordings(frame: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    """Return per record whether its ECG, an array or its events are in the training's cohort, too.

    Of several sounds of a record one is enough.

    Args:
        frame: manifest rows of the other cohort.
        own: those of the training's.
    """
    found = pd.Series(data=False, index=frame.index)
    if "ecg_sha256" in frame and "ecg_sha256" in own:
        found |= frame["ecg_sha256"].isin(own["ecg_sha256"].dropna())
    for name in _RECORDED:
        if has_contents(frame, name) and has_contents(own, name):
            files = file_hashes(frame, name)
            seen = files[files.isin(file_hashes(own, name))]
            found |= frame.index.isin(seen.index)
    return found
