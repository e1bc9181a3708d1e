"""Tables of an explanation: attributions, traces, records; and what of them is published.

`attributions.parquet` is long: one row per record, method and group. `traces.parquet` holds what
methods say at the input's own resolution. Both name records by the hospital's ids and stay in the
data folder; what is published names them by row numbers, and holds neither traces nor anything of
a note but the sum over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.attribution.groups import KINDS, Grouped
from components.core.modalities import ARRAYS, EVENTS
from components.core.row_names import without_ids
from components.explain.method import Attributed, Words
from components.explain.subject import Subject

ATTRIBUTIONS, TRACES, RECORDS = "attributions.parquet", "traces.parquet", "records.parquet"
PUBLISHED = (f"published/{ATTRIBUTIONS}", f"published/{RECORDS}")
# Kinds of the rows that hold a method's completeness error, and what a word of a note does.
COMPLETENESS, WORD = "completeness", "word"
Change = Callable[[pa.Table], pa.Table]
_WHO = [
    pa.field("sample_id", pa.string(), nullable=False),
    pa.field("patient_id", pa.string(), nullable=False),
    pa.field("fold", pa.string(), nullable=False),
]
ATTRIBUTION_SCHEMA = pa.schema(
    [
        *_WHO,
        pa.field("method", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # of KINDS, COMPLETENESS or WORD
        pa.field("group", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # log-odds; null where the record has no such group
    ]
)
TRACE_SCHEMA = pa.schema(
    [
        *_WHO,
        pa.field("method", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("lead", pa.string()),  # null for anything but an ECG
        # log-odds; a method's groups need no more than single precision
        pa.field("values", pa.list_(pa.float32()), nullable=False),
    ]
)
RECORD_SCHEMA = pa.schema(
    [
        *_WHO,
        pa.field("truth", pa.int8()),  # 0, 1, null = not known
        pa.field("log_odds", pa.float64(), nullable=False),
        pa.field("baseline", pa.float64(), nullable=False),  # log-odds of the record's baseline
        pa.field("beats", pa.bool_()),  # whether any was found; null without an ECG
    ]
)


def who(subject: Subject, index: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return `sample_id`, `patient_id` and `fold` of some of a subject's records."""
    rows = subject.rows.frame.iloc[index]
    named = rows[["sample_id", "patient_id"]].astype(str).reset_index(drop=True)
    return named.assign(fold=subject.fold)


def long_table(
    said: Attributed, subject: Subject, index: npt.NDArray[np.int64], method: str
) -> pa.Table:
    """Return what a method says of the groups of some records, in `ATTRIBUTION_SCHEMA`."""
    records = who(subject, index)
    every = dict(said.grouped)
    facts = {"remark": said.remark, "over": " ".join(said.over)}
    facts["taken_out"] = " ".join(said.taken_out)
    facts["words"] = "" if said.words is None else "yes"
    if said.error is not None:
        every[COMPLETENESS] = Grouped(
            kind=COMPLETENESS, names=("error",), values=np.asarray(said.error)[:, None]
        )
    parts = [_long(records, grouped) for grouped in every.values() if len(grouped.names)]
    parts += [_words(records, said.words)] if said.words is not None else []
    empty = pd.DataFrame(columns=[*records.columns, "kind", "group", "value"])
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    ordered = frame.assign(method=method)[ATTRIBUTION_SCHEMA.names]
    table = pa.Table.from_pandas(ordered, schema=ATTRIBUTION_SCHEMA, preserve_index=False)
    return table.replace_schema_metadata(facts)


def _words(records: pd.DataFrame, words: Sequence[Words]) -> pd.DataFrame:
    wide = records.loc[records.index.repeat([len(each.words) for each in words])]
    names = [word for each in words for word in each.words]
    found = wide.reset_index(drop=True).assign(kind=WORD, group=pd.Series(names, dtype=object))
    values = [np.zeros(0), *(each.values for each in words)]  # noqa: PD011 - an array
    return found.assign(value=np.concatenate(values))


def _long(records: pd.DataFrame, grouped: Grouped) -> pd.DataFrame:
    width = len(grouped.names)
    wide = records.loc[records.index.repeat(width)].reset_index(drop=True)
    names = np.tile(np.asarray(grouped.names, dtype=object), len(records))
    values = np.asarray(grouped.values, np.float64)
    return wide.assign(kind=grouped.kind, group=names, value=values.ravel())


def trace_table(
    said: Attributed, subject: Subject, index: npt.NDArray[np.int64], method: str
) -> pa.Table:
    """Return what a method says at the inputs' own resolution, in `TRACE_SCHEMA`."""
    records = who(subject, index)
    found = said.values.items()  # noqa: PD011 - a dict
    parts = [_traces(records, name, values, subject.leads) for name, values in found]
    if not parts:
        return TRACE_SCHEMA.empty_table()
    frame = pd.concat(parts, ignore_index=True).assign(method=method)[TRACE_SCHEMA.names]
    return pa.Table.from_pandas(frame, schema=TRACE_SCHEMA, preserve_index=False)


def _traces(
    records: pd.DataFrame, modality: str, values: npt.NDArray[np.float32], leads: Sequence[str]
) -> pd.DataFrame:
    names = list(leads) if modality == "ecg" else [None]
    flat = np.asarray(values, np.float32).reshape(len(records) * len(names), -1)
    wide = records.loc[records.index.repeat(len(names))].reset_index(drop=True)
    lead = pd.Series(names * len(records), dtype="string")
    # Padding of a sequence is no part of the record.
    rows = [own[np.isfinite(own)] for own in flat] if modality == EVENTS else list(flat)
    lists = pd.Series(rows, dtype=object)
    found = wide.assign(modality=modality, lead=lead, values=lists)
    # A record without the picture, the sound or any event has nothing to be traced.
    return found if modality not in (*ARRAYS, EVENTS) else found.loc[_known(flat)]


def _known(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which rows of `[m, width]` hold anything but NaN."""
    return np.asarray(np.isfinite(values).any(axis=1), np.bool_)


def grouped_of(tables: Sequence[pa.Table], ids: Sequence[str]) -> Attributed:
    """Return what the long tables of a method's chunks hold, all records in their order.

    Args:
        tables: one per chunk, as `long_table` makes them of one method and one fold.
        ids: of the records.
    """
    facts = tables[0].schema.metadata
    frame = pd.concat([table.to_pandas() for table in tables], ignore_index=True)
    of_words = frame["kind"].eq(WORD)
    words = _words_of(frame[of_words], ids) if facts[b"words"] else None
    frame = frame[~of_words]
    found: dict[str, Grouped] = {}
    for kind in frame["kind"].unique():
        own = frame[frame["kind"] == kind]
        names = tuple(str(each) for each in own["group"].unique())
        values = own["value"].to_numpy(np.float64).reshape(-1, len(names))
        found[str(kind)] = Grouped(kind=str(kind), names=names, values=values)
    rest = found.pop(COMPLETENESS, None)
    error = None if rest is None else rest.values[:, 0]  # noqa: PD011 - an array
    over, taken_out = (tuple(facts[key].decode().split()) for key in (b"over", b"taken_out"))
    return Attributed(
        grouped=found, error=error, over=over, taken_out=taken_out, words=words,
        remark=facts[b"remark"].decode(),
    )  # fmt: skip


def _words_of(frame: pd.DataFrame, ids: Sequence[str]) -> tuple[Words, ...]:
    by_id = {str(name): own for name, own in frame.groupby("sample_id", sort=False)}
    none = frame.iloc[:0]
    return tuple(
        Words(words=tuple(own["group"].astype(str)), values=own["value"].to_numpy(np.float64))
        for own in (by_id.get(name, none) for name in ids)
    )


def dense(folder: Path, method: str, sample: str, modality: str = "ecg") -> npt.NDArray[np.float32]:
    """Return what a method says of one record at the input's own resolution.

    Args:
        folder: of the stage, or its workspace.
        method: its name.
        sample: the record's id.
        modality: of the input.

    Returns:
        `[K, L]` of an ECG, `[1, width]` of anything else (of a picture or sound in blocks,
        `core.attribution.tiles.stored_shape`), `[0, 0]` where the method or the record has none.
    """
    mine = [("sample_id", "==", sample), ("method", "==", method), ("modality", "==", modality)]
    found = pq.read_table(folder / TRACES, columns=["values"], filters=mine).column("values")
    return np.asarray(found.to_pylist(), np.float32).reshape(len(found), -1) if len(found) else (
        np.zeros((0, 0), np.float32)
    )  # fmt: skip


def publisher(manifest: pd.DataFrame) -> Change:
    """Return what puts row numbers in the place of ids and leaves out whatever quotes a note.

    Args:
        manifest: `sample_id`, `patient_id` and `row` of the whole cohort.
    """

    def change(table: pa.Table) -> pa.Table:
        frame = without_ids(table.to_pandas(), manifest)
        if "kind" in frame:
            frame = frame[frame["kind"].isin([*KINDS, COMPLETENESS])]
        return pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False)

    return change
