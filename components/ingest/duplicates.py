"""A patient's second copy of the same content: dropped, and refused where the labels disagree."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from components.core.schemas import EVENT_COUNT, HASH_PREFIX
from components.ingest.records import Reject


def drop_duplicates(manifest: pa.Table) -> tuple[pa.Table, list[Reject], list[Reject]]:
    """Return the records without a patient's copies, the copies, and those that contradict.

    A copy equals another record of its patient in its ECG, pictures, sounds, embeddings and events
    alike, whichever it has; clinical values are not compared. Events are counted from the
    prediction, and are the same only where its time is. The first one with a label is kept. Where
    copies are labelled 0 and 1, nobody can tell which is right, and all of them are refused. Copies
    across patients are audited.

    Args:
        manifest: of the records that were read.
    """
    hashes = [c for c in manifest.column_names if c == "ecg_sha256" or c.startswith(HASH_PREFIX)]
    times = ["index_time"] if EVENT_COUNT in manifest.column_names else []
    alike = ["patient_id", *hashes, *times]
    frame = manifest.select([*alike, "row", "label"]).to_pandas()
    recorded = frame[hashes].notna().any(axis=1)
    same = frame.groupby(alike, dropna=False, sort=False)
    contradicted = recorded & (same["label"].transform("nunique") > 1)
    labelled_first = frame.sort_values("label", key=pd.Series.isna, kind="stable")
    again = labelled_first.duplicated(alike).reindex(frame.index)
    repeated = recorded & again & ~contradicted
    kept = manifest.filter(pa.array(~(repeated | contradicted)))
    return (
        kept,
        [_copy(int(row)) for row in frame.loc[repeated, "row"]],
        [_contradiction(int(row)) for row in frame.loc[contradicted, "row"]],
    )


def _copy(row: int) -> Reject:
    return Reject(
        file="",
        row=row,
        field="path",
        value="",
        code="exact_duplicate",
        reason="the same samples were read before for this patient",
        advice="nothing to do; one copy is kept",
    )


def _contradiction(row: int) -> Reject:
    return Reject(
        file="",
        row=row,
        field="label",
        value="",
        code="contradictory_label",
        reason="the same samples stand in another row of this patient with another label",
        advice="correct the label, or leave one of the rows out",
    )
