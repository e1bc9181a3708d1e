"""Groups of events: by kind, by time before the prediction, and by both.

Shapes: `n` records, `S` steps of the longest of them, `C` cells (kinds × windows).
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.groups import Dense, Floats, Grouped
from components.core.data.batches import Batch
from components.core.data.stored_events import EVENT_KINDS

# Hours before the prediction at which one window ends and the next begins.
EDGES = (1, 3, 6, 12, 24, 48)
WINDOWS = (
    f"under {EDGES[0]} h",
    *(f"{a}–{b} h" for a, b in itertools.pairwise(EDGES)),
    f"{EDGES[-1]} h and more",
)
CELLS = tuple(f"{kind} {window}" for kind in EVENT_KINDS for window in WINDOWS)
# Kind of groups → its groups; windows of a cell run fastest.
NAMES: dict[str, tuple[str, ...]] = {
    "event_kind": EVENT_KINDS, "event_window": WINDOWS, "event_cell": CELLS,
}  # fmt: skip
Ints = npt.NDArray[np.int64]


def cells_of(batch: Batch) -> Tensor:
    """Return `[n, S]` place in `CELLS` of each event, −1 in padding.

    An event after the prediction, which no audited cohort has, counts as under an hour before it.
    """
    kind = batch["events"][..., : len(EVENT_KINDS)].argmax(-1)
    hours = batch["events_hours"].contiguous()
    window = torch.bucketize(hours, hours.new_tensor(EDGES), right=True)
    return (kind * len(WINDOWS) + window).where(batch["events_valid"] > 0, -1)


def groups_of(kind: str, cells: Tensor) -> Tensor:
    """Return `[n, S]` place in `NAMES[kind]` of each event, −1 in padding.

    Args:
        kind: a key of `NAMES`.
        cells: `[n, S]` as of `cells_of`.
    """
    inner = len(WINDOWS)
    own = {"event_kind": cells // inner, "event_window": cells % inner, "event_cell": cells}[kind]
    return own.where(cells >= 0, -1)


def of_events(values: Dense, cells: Ints) -> dict[str, Grouped]:
    """Return sums over kinds, windows and cells; NaN where a record has no such event.

    Args:
        values: `[n, S]` attributions of events; of padding they do not count.
        cells: `[n, S]` as of `cells_of`.
    """
    sums, there = _sums(values, cells)
    shape = (len(values), len(EVENT_KINDS), len(WINDOWS))
    apart, has = sums.reshape(shape), there.reshape(shape)
    found: dict[str, Floats] = {
        "event_kind": np.where(has.any(axis=2), apart.sum(axis=2), np.nan),
        "event_window": np.where(has.any(axis=1), apart.sum(axis=1), np.nan),
        "event_cell": np.where(there, sums, np.nan),
    }
    return {kind: Grouped(kind=kind, names=NAMES[kind], values=own) for kind, own in found.items()}


def there_of(kind: str, cells: Ints) -> npt.NDArray[np.bool_]:
    """Return `[n, G]` whether a record has any event of each group of a kind."""
    return np.isfinite(of_events(np.zeros(cells.shape), cells)[kind].values)


def _sums(values: Dense, cells: Ints) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return `[n, C]` sums and whether there is any event."""
    size = len(CELLS)
    sums, counts = np.zeros((len(values), size)), np.zeros((len(values), size), np.int64)
    for number, (own, cell) in enumerate(zip(values, cells, strict=True)):
        real = cell >= 0
        sums[number] = np.bincount(cell[real], own[real].astype(np.float64), size)
        counts[number] = np.bincount(cell[real], minlength=size)
    return sums, counts > 0
