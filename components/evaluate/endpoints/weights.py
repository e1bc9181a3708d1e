"""Weights of the heads' binary views by the inverse probability of their own censoring."""

from __future__ import annotations

import pandas as pd

from components.core.config.heads import BinaryHead, HeadMap
from components.core.heads.censoring import Floats, view_weights
from components.core.schemas import MANIFEST, PART_PREFIX
from components.core.store import Stage


def training_rows(cohort: Stage, fold: str) -> pd.DataFrame:
    """Return the manifest rows of a fold's training part, whatever is known of them."""
    frame = pd.read_parquet(cohort.folder / MANIFEST)
    return frame[frame[f"{PART_PREFIX}{fold}"] == "train"]


def own_weights(heads: HeadMap, cohort: Stage, fold: str, frame: pd.DataFrame) -> dict[str, Floats]:
    """Return head → `[n]` weights of the binary heads that have an endpoint; 0 where not known.

    Args:
        heads: all of them.
        cohort: the prepared one.
        fold: on whose training part censoring is estimated.
        frame: manifest rows.

    Raises:
        InputError: as `view_weights`.
    """
    named = {n: h for n, h in heads.items() if isinstance(h, BinaryHead) and h.endpoint}
    fitted = training_rows(cohort, fold) if named else frame
    return {name: view_weights(head, frame, fitted) for name, head in named.items()}
