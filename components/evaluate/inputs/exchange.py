"""Does the answer change when an input does? Each is exchanged for another record's or value.

A model may be given an input and ignore it; then no exchange moves its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core.data.batches import Batch, raw_batch
from components.core.data.cohort import Rows
from components.core.data.tabular import TabularEncoder, tabular_frame
from components.core.modalities import ARRAYS, EVENTS, TITLES
from components.core.schemas import TABULAR_PREFIX, codes
from components.evaluate.inputs.masked import (
    BatchChange,
    changed_logits,
    steps_of,
    there_of,
    unchanged,
)
from components.evaluate.predictions import FoldTest
from components.evaluate.robustness.battery import Index, Network

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# Of the log-odds: what float32 gives on another order of the same sums.
LEAST = 1e-6
_COLUMN = "tabular."


@dataclass(frozen=True, kw_only=True, eq=False)
class Exchange:
    """One input, or one clinical field, exchanged.

    Attributes:
        key: `ecg_image`, `pcg`, `text`, `events`, or `tabular.<column>`.
        title: in words.
        change: of a batch.
        applies: `[n]` of the part's records, whether it can be exchanged.
        steps: `[n]` events of what each record is given; None where those stay.
    """

    key: str
    title: str
    change: BatchChange
    applies: Flags
    steps: npt.NDArray[np.int64] | None = None


def exchanges(rows: Rows, inputs: Sequence[str], index: Index, *, seed: int) -> list[Exchange]:
    """Return every exchange that some record allows, the inputs first.

    Args:
        rows: the test part of a fold.
        inputs: of the model.
        index: the rows that are used; donors are among them.
        seed: of the donors' order.
    """
    swapped = [name for name in inputs if name in (*ARRAYS, "text", EVENTS)]
    found = [_swap(rows, name, index, seed) for name in swapped]
    if "tabular" in inputs:
        found += [_value(rows, column) for column in rows.stats.tabular.columns]
    return found


def changes_of(network: Network, test: FoldTest, index: Index, found: Sequence[Exchange], *,
               advance: Callable[[int], None]) -> pd.DataFrame:  # fmt: skip
    """Return `patient_id` and per exchange |change of the log-odds|, NaN where it was not made."""
    wanted = [unchanged, *(each.change for each in found)]
    given = [each.steps for each in found if each.steps is not None]
    steps = np.maximum.reduce([steps_of(test.rows), *given])
    logits = changed_logits(network, test.rows, index, wanted, advance=advance, steps=steps)
    out = {"patient_id": test.frame["patient_id"].iloc[index].to_numpy()}
    for each, row in zip(found, logits[1:], strict=True):
        out[each.key] = np.where(each.applies[index], np.abs(row - logits[0]), np.nan)
    return pd.DataFrame(out)


def _swap(rows: Rows, name: str, index: Index, seed: int) -> Exchange:
    donor = donors(rows, there_of(rows, [name])[name], index, seed=seed)

    def change(batch: Batch, part: Index) -> Batch:
        given = donor[part]
        other = raw_batch(rows, np.where(given >= 0, given, part))
        keys = [key for key in _keys(name) if key in batch]
        return {**batch, **{key: other[key] for key in keys}}

    title = f"{TITLES[name]}: another patient's"
    own = steps_of(rows)
    steps = np.where(donor >= 0, own[donor], own) if name == EVENTS else None
    return Exchange(key=name, title=title, change=change, applies=donor >= 0, steps=steps)


def _keys(name: str) -> tuple[str, ...]:
    """Return the keys of a batch that hold an input, without the mask: a donor has it, too."""
    return name, f"{name}_valid", f"{name}_hours"


def donors(rows: Rows, there: Flags, index: Index, *, seed: int) -> Index:
    """Return `[n]` the row whose input each record is given: of another patient; −1 for none.

    Args:
        rows: the test part.
        there: `[n]` which records have the input.
        index: rows that are used.
        seed: of the order in which they give.
    """
    out = np.full(len(rows), -1, np.int64)
    patient = codes(rows.frame["patient_id"])
    order = np.random.default_rng(seed).permutation(index[there[index]])
    for place, row in enumerate(order):
        others = np.roll(order, -place - 1)
        another = others[patient[others] != patient[row]]
        if len(another):
            out[row] = another[0]
    return out


def _value(rows: Rows, column: str) -> Exchange:
    encoder = rows.stats.tabular
    frame = tabular_frame(rows.frame, encoder.columns, TABULAR_PREFIX)
    replaced, title = _replaced(encoder, column, frame[column])
    encoded = encoder.transform(frame.assign(**{column: replaced}))
    applies = rows.tabular_there & (encoded != rows.tabular).any(axis=1)

    def change(batch: Batch, part: Index) -> Batch:
        return {**batch, "tabular": torch.from_numpy(encoded[part])}

    return Exchange(key=f"{_COLUMN}{column}", title=title, change=change, applies=applies)


def _replaced(encoder: TabularEncoder, column: str, own: pd.Series) -> tuple[pd.Series, str]:
    """Return the value that each record is given, and what is done in words."""
    for numeric in encoder.numeric:
        if numeric.name == column:
            value = numeric.mean + numeric.sd
            filled = pd.Series(np.full(len(own), value), index=own.index)
            return filled, f"{column}: training mean plus one SD"
    levels = next(each.levels for each in encoder.categorical if each.name == column)
    text = own.astype("string")
    other = [next((v for v in levels if v != each), None) for each in text.fillna("")]
    return pd.Series(other, index=own.index, dtype="string"), f"{column}: another category"
