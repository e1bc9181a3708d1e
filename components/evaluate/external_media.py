"""Pictures and sounds of another cohort: prepared as in training, and not those of training."""

from __future__ import annotations

from typing import Any

import pandas as pd

from components.core.modalities import ARRAYS
from components.core.schemas import HASH_PREFIX
from components.core.store import Stage


def media_pairs(home: Stage, other: Stage) -> list[tuple[str, Any, Any]]:
    """Return each setting by which pictures and sounds became arrays: name, theirs, ours."""
    sections = [each.config.get("preprocess", {}) for each in (other, home)]
    pairs: list[tuple[str, Any, Any]] = []
    for name in (each for each in ARRAYS if each in home.facts["modalities"]):
        theirs, ours = (section.get(name, {}) for section in sections)
        pairs += [(f"preprocess.{name}.{k}", theirs.get(k), own) for k, own in ours.items()]
    return pairs


def seen_recordings(frame: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    """Return per record whether its ECG, picture or sound is in the training's cohort, too.

    Args:
        frame: manifest rows of the other cohort.
        own: those of the training's.
    """
    found = pd.Series(data=False, index=frame.index)
    for column in ("ecg_sha256", *(f"{HASH_PREFIX}{name}" for name in ARRAYS)):
        if column in frame and column in own:
            found |= frame[column].isin(own[column].dropna())
    return found
