"""Recordings that stand under several patient ids: the mark of rows glued together by label."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from components.core.data.contents import file_rows, has_contents
from components.core.data.copied_embeddings import coarse
from components.core.modalities import ARRAYS, EMBEDDED
from components.core.schemas import EMBEDDINGS, HASH_PREFIX

_SET = "set of embeddings"


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """What is known of a modality's reused recordings.

    Attributes:
        recordings: how many stand under several patient ids.
        rows: whether each row of the manifest holds one of them.
        same_label: of the pairs of patients that share one, the share with the same label; None
            where no label of such a pair is known.
    """

    recordings: int
    rows: pd.Series
    same_label: float | None


def reused(frame: pd.DataFrame) -> dict[str, Reuse]:
    """Return per modality what its content hashes say, of those that have reused recordings.

    Embeddings of a modality in which many patients share one (`coarse`) are told under
    `embeddings`: sets of two or more, alike in all modalities that the patient has.
    """
    names = [name for name in ARRAYS if has_contents(frame, name)]
    vague = [name for name in names if coarse(frame, name)]
    found: dict[str, Reuse] = {name: _of(frame, name) for name in names if name not in vague}
    if vague:
        found[EMBEDDINGS] = _of_sets(frame, [name for name in names if name in EMBEDDED])
    return {name: each for name, each in found.items() if each.recordings}


def _of_sets(frame: pd.DataFrame, names: list[str]) -> Reuse:
    columns = [f"{HASH_PREFIX}{name}" for name in names]
    own = frame[frame[columns].notna().sum(axis=1) > 1]
    sets = own[columns].fillna("").astype(str).agg("|".join, axis=1)
    return _shared(frame, own.assign(**{_SET: sets}), _SET)


def _of(frame: pd.DataFrame, name: str) -> Reuse:
    """Return it file by file: of several sounds of a record, one alone may be another's."""
    return _shared(frame, file_rows(frame, name), f"{HASH_PREFIX}{name}")


def _shared(frame: pd.DataFrame, files: pd.DataFrame, column: str) -> Reuse:
    holders = files.groupby(column)["patient_id"].nunique()
    shared = files[files[column].isin(holders.index[holders > 1])]
    return Reuse(
        recordings=shared[column].nunique(),
        rows=pd.Series(frame.index.isin(shared.index), index=frame.index),
        same_label=_same_label(shared, column),
    )


def _same_label(frame: pd.DataFrame, column: str) -> float | None:
    known = frame.dropna(subset=["label"])
    owners = known.groupby([column, "patient_id"])["label"].max().reset_index()
    of_all = owners.groupby(column).size()
    of_label = owners.groupby([column, "label"]).size()
    pairs = float((of_all * (of_all - 1)).sum())
    return round(float((of_label * (of_label - 1)).sum()) / pairs, 3) if pairs else None
