"""Predictions of records that lack inputs, or have those of another record.

An input that is taken away has the mask 0, so that its learned token stands in its place: what
serving makes of a request without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.data.batches import TOKENS, Batch, raw_batch
from components.core.data.bucketed import cut_points
from components.core.data.cohort import Rows
from components.core.data.finish import Finisher
from components.core.errors import CardioError
from components.core.heads.registry import View
from components.core.modalities import ARRAYS, EVENTS
from components.core.models.stand_in import unlearned
from components.core.predict import forward
from components.evaluate.analysis import Context
from components.evaluate.robustness.battery import Index, Network
from components.evaluate.robustness.setting import network_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# change(raw batch, rows of the part that it holds) -> raw batch
BatchChange = Callable[[Batch, Index], Batch]
# As many as `core.predict` takes at once.
_BATCH = 128
# float32 networks agree to about 1e-6 whatever the batch; bf16 is not used to predict.
TOLERANCE = 1e-3


def there_of(rows: Rows, names: Sequence[str]) -> dict[str, Flags]:
    """Return input → `[n]` whether each record has it."""
    known: dict[str, Callable[[], Flags]] = {
        "ecg": lambda: rows.frame["shard"].notna().to_numpy(np.bool_),
        "tabular": lambda: rows.tabular_there,
        "text": lambda: rows.text_mask,
        EVENTS: lambda: steps_of(rows) > 0,
    }
    arrays: Mapping[str, Flags] = {name: part.there for name, part in rows.arrays.items()}
    return {name: arrays[name] if name in arrays else known[name]() for name in names}


def steps_of(rows: Rows) -> npt.NDArray[np.int64]:
    """Return `[n]` events of each record; zeros without sequences."""
    return np.zeros(len(rows), np.int64) if rows.events is None else rows.events.lengths


def never_lacked(context: Context) -> tuple[str, ...]:
    """Return the inputs without which a network never learned to answer, of event sequences."""
    each = [unlearned(network_of(context, test.fold).models) for test in context.tests]
    return tuple(dict.fromkeys(name for names in each for name in names))


def may_lack(names: Sequence[str]) -> bool:
    """Return whether an input that may be absent is among them.

    Those are pictures, sounds, embeddings and event sequences.
    """
    return any(name in (*ARRAYS, EVENTS) for name in names)


def without(lost: Sequence[str]) -> BatchChange:
    """Return what takes inputs away from every record of a batch."""

    def change(batch: Batch, index: Index) -> Batch:
        del index
        gone = {f"{name}_mask": torch.zeros_like(batch[f"{name}_mask"]) for name in lost}
        return {**batch, **gone}

    return change


def changed_logits(
    network: Network,
    rows: Rows,
    index: Index,
    changes: Sequence[BatchChange],
    *,
    advance: Callable[[int], None],
    steps: npt.NDArray[np.int64] | None = None,
) -> Floats:
    """Return `[changes, n]` mean logit of the members for some rows of a part.

    Args:
        network: the fold's members.
        rows: the fold's test part.
        index: `[n]` rows to use.
        changes: each makes its own batch of the rows as they are.
        advance: called with the number of predictions just made.
        steps: see `changed_views`.
    """
    return changed_views(
        network, (network.head,), rows, index, changes, advance=advance, steps=steps
    )[0]


def changed_views(
    network: Network,
    views: Sequence[View],
    rows: Rows,
    index: Index,
    changes: Sequence[BatchChange],
    *,
    advance: Callable[[int], None],
    steps: npt.NDArray[np.int64] | None = None,
) -> Floats:
    """Return `[views, changes, n]` mean log-odds of several heads, each batch predicted once.

    Args:
        network: the fold's members.
        views: heads, as log-odds.
        rows: the fold's test part.
        index: `[n]` rows to use.
        changes: each makes its own batch of the rows as they are.
        advance: called with the number of predictions just made.
        steps: `[rows]` the most events that a record, changed or not, comes to; None where no
            change makes a sequence longer.
    """
    finish = Finisher(rows.stats)
    out = np.empty((len(views), len(changes), len(index)))
    for places in _batches((steps_of(rows) if steps is None else steps)[index]):
        part = index[places]
        raw = raw_batch(rows, part)
        for number, change in enumerate(changes):
            said = _said(network, change(raw, part), finish)
            out[:, number, places] = [
                np.mean([view.log_odds(each).double().numpy() for each in said], axis=0)
                for view in views
            ]
        advance(len(part) * len(changes))
    return out


def _batches(steps: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return the places that are predicted at once: in their order, or by length of sequences."""
    order = np.argsort(steps, kind="stable")
    return np.split(order, cut_points(steps[order], batch=_BATCH, tokens=TOKENS)[:-1])


def _said(network: Network, batch: Batch, finish: Finisher) -> list[dict[str, Tensor]]:
    return [forward(model, batch, finish=finish, place=network.place) for model in network.models]


def unchanged(batch: Batch, index: Index) -> Batch:
    """Return the batch as it is."""
    del index
    return batch


def check_base(reported: Floats, found: Floats) -> None:
    """Refuse to compare where unchanged records do not give the reported logits.

    Raises:
        CardioError: they do not.
    """
    gap = float(np.abs(reported - found).max(initial=0.0))
    if not gap <= TOLERANCE:
        raise CardioError(
            f"unchanged records give logits that differ by {gap:.2g} from those reported; this is "
            "a fault of the software, so no inputs are compared"
        )
