"""Which entries of the embeddings move the answers most, over all records.

An entry of an embedding has a name where its source knows one (a laboratory value, a clinical
field); of a network's embedding it has a number alone, and says little by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from components.core.attribution.groups import Grouped
from components.core.metrics.resampling import Plan
from components.core.modalities import EMBEDDED, TITLES, EmbeddingModality
from components.core.report.section import Section
from components.explain import outputs
from components.explain.explained import Explained
from components.explain.pictures import bars as drawing
from components.explain.pictures.means import by_size, means, table

Floats = npt.NDArray[np.float64]
# The method whose values at the inputs' own resolution are told.
METHOD = "ig"
SHOWN = 20
_TEXT = (
    "Integrated Gradients of single entries, log-odds, summed over a record's patches: the {shown} "
    "of {total:,} whose mean magnitude is largest, over the records that have the embedding. "
    "Picked and measured on the same records, so the largest are somewhat too large."
)


def entry_sections(folder: Path, explained: Explained, plan: Plan) -> tuple[Section, ...]:
    """Return the section on single entries; nothing without embeddings or without the method.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it.
        plan: how patients are resampled.
    """
    inputs = explained.folds[0].subject.inputs
    if not set(EMBEDDED) & set(inputs) or METHOD not in {each.NAME for each in explained.methods}:
        return ()
    known = explained.folds[0].subject.columns
    records = explained.records
    names: list[str] = []
    parts: list[Floats] = []
    for name in EMBEDDED:
        if name not in inputs:
            continue
        own = entries_of(folder, explained, name, records["sample_id"].astype(str))
        names += [f"{TITLES[name]}: {each}" for each in _columns(own.shape[1], known.get(name, ()))]
        parts.append(own)
    values = np.concatenate(parts, axis=1)
    top = _largest(values)
    own = Grouped(kind="entry", names=tuple(names[k] for k in top), values=values[:, top])
    found = means(own, records["patient_id"].to_numpy(str), plan=plan)
    found = {name: found[name] for name in by_size(found)}
    if not found:
        return ()
    title = "Entries of the embeddings"
    text = _TEXT.format(shown=len(found), total=len(names))
    plot = drawing.bars(found, name="ig-entry", title=title, event=explained.head.name)
    caption = f"{title}: mean attribution, log-odds"
    return (
        Section(
            name="entries", title="Which entries of the embeddings count most?", text=(text,),
            tables=(table(found, caption=caption, kind="entry"),), plots=(plot,),
        ),
    )  # fmt: skip


def entries_of(
    folder: Path, explained: Explained, name: EmbeddingModality, samples: pd.Series
) -> Floats:
    """Return `[n, W]` attributions of a modality's entries, NaN where a record lacks it."""
    own = explained.folds[0].subject.rows.stats.arrays[name]
    width = own.shape[-1]
    mine = [("method", "==", METHOD), ("modality", "==", name)]
    found = pq.read_table(folder / outputs.TRACES, columns=["sample_id", "values"], filters=mine)
    sums = {
        sample: np.asarray(values, np.float64).reshape(-1, width).sum(axis=0)
        for sample, values in zip(
            found.column("sample_id").to_pylist(), found.column("values").to_pylist(), strict=True
        )
    }
    nothing = np.full(width, np.nan)
    return np.stack([sums.get(each, nothing) for each in samples])


def _columns(width: int, known: Sequence[str]) -> list[str]:
    return list(known) if len(known) == width else [f"entry {k + 1}" for k in range(width)]


def _largest(values: Floats) -> list[int]:
    """Return the columns of the largest mean magnitude, the largest first."""
    count = np.isfinite(values).sum(axis=0)
    mean = np.nan_to_num(np.abs(values)).sum(axis=0) / np.maximum(count, 1)
    order = np.argsort(-mean, kind="stable")
    return [k for k in order.tolist() if mean[k] > 0][:SHOWN]
