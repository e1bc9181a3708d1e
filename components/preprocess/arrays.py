"""What pictures, sounds and embeddings have in common before they are prepared."""

from __future__ import annotations

import pandas as pd

from components.core.errors import InputError
from components.core.modalities import SPOKEN, ArrayModality
from components.core.schemas import SHARD_PREFIX


def require(frame: pd.DataFrame, name: ArrayModality, advice: str) -> None:
    """Refuse a cohort in which no record has a modality that the task names.

    Args:
        frame: records of the manifest.
        name: the modality.
        advice: how to bring it, as the end of the sentence has it.

    Raises:
        InputError: none has it.
    """
    column = f"{SHARD_PREFIX}{name}"
    if column not in frame or frame[column].isna().all():
        raise InputError(
            f"none of {len(frame)} records has {SPOKEN[name]}, which preprocess.modalities names; "
            f"{advice}, or leave '{name}' out"
        )
