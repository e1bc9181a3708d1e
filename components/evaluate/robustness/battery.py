"""All conditions on the drawn test records: logits per record, in batches of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from components.core.data.cohort import Rows
from components.core.data.draw import drawn_patients
from components.core.data.finish import Finisher
from components.core.device import Place
from components.core.errors import InputError
from components.core.heads.registry import View
from components.core.predict import forward
from components.evaluate.predictions import FoldTest
from components.evaluate.robustness import leads, modalities, noise, rates
from components.evaluate.robustness.recordings import (
    Change,
    Condition,
    Recordings,
    Setup,
    Values,
    decode,
    to_batch,
)

# Ten seconds of eight leads at 500 Hz in single precision: 10 MB a copy, some five at a time.
_BATCH = 64
Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The trained members of a fold, whose mean logit counts.

    Attributes:
        models: in evaluation mode.
        head: whose log-odds count.
        place: device and precision.
    """

    models: Sequence[nn.Module]
    head: View
    place: Place


def conditions(setup: Setup) -> list[Condition]:
    """Return every condition that is asked for, kind by kind."""
    kinds = (leads, noise, rates, modalities)
    return [condition for kind in kinds for condition in kind.conditions(setup)]


def draw(tests: Sequence[FoldTest], *, records: int, seed: int) -> list[Index]:
    """Return per fold the rows to use; see `draw_records`."""
    return draw_records([test.frame for test in tests], records=records, seed=seed)


def draw_records(frames: Sequence[pd.DataFrame], *, records: int, seed: int) -> list[Index]:
    """Return per fold the rows to use: whole patients in a drawn order, `records` rows at most.

    A single patient with more is taken whole.

    Args:
        frames: `patient_id` of the records of each fold.
        records: at most so many.
        seed: of the order.
    """
    patients = pd.concat([frame["patient_id"] for frame in frames])
    taken = set(patients[drawn_patients(patients, records=records, seed=seed)])
    return [np.flatnonzero(frame["patient_id"].isin(taken)) for frame in frames]


def disturbed_logits(
    network: Network,
    rows: Rows,
    index: Index,
    changes: Sequence[Change],
    *,
    absent: Values,
    advance: Callable[[int], None],
) -> Floats:
    """Return `[conditions, n]` mean logit of the members; NaN where no lead is left.

    Args:
        network: the fold's members.
        rows: the fold's test part.
        index: `[n]` rows to use.
        changes: of the conditions that change something.
        absent: `[F]` see `Recordings`.
        advance: called with the number of predictions just made.
    """

    def see(original: Recordings, changed: Recordings, finish: Finisher) -> Floats:
        del original
        return logits_of(network, (network.head,), changed, finish)

    return seen(rows, index, changes, see, width=1, absent=absent, advance=advance)[:, :, 0]


# see(original, changed, finish) -> [B, width]
See = Callable[[Recordings, Recordings, Finisher], Floats]


def seen(
    rows: Rows,
    index: Index,
    changes: Sequence[Change],
    see: See,
    *,
    width: int,
    absent: Values,
    advance: Callable[[int], None],
) -> Floats:
    """Return `[conditions, n, width]`, what `see` makes of every changed recording.

    Args:
        rows: the fold's test part.
        index: `[n]` rows to use.
        changes: of the conditions that change something.
        see: makes `width` numbers of each recording of a batch, given it before and after.
        width: how many numbers.
        absent: `[F]` see `Recordings`.
        advance: called with the number of recordings just seen.

    Raises:
        InputError: the cohort has no ECG.
    """
    if rows.stats.norm() is None:
        raise InputError("the fold has no ECG statistics; train on a cohort with ECGs")
    finish = Finisher(rows.stats)
    out = np.empty((len(changes), len(index), width))
    for start in range(0, len(index), _BATCH):
        part = slice(start, start + _BATCH)
        recordings = decode(rows, index[part], absent)
        for number, change in enumerate(changes):
            out[number, part] = see(recordings, change(recordings), finish)
        advance(len(recordings.ids) * len(changes))
    return out


def logits_of(
    network: Network, heads: Sequence[View], recordings: Recordings, finish: Finisher
) -> Floats:
    """Return `[B, heads]` mean log-odds of the members; NaN where no lead is left."""
    batch, place = to_batch(recordings), network.place
    each = [forward(model, batch, finish=finish, place=place) for model in network.models]
    found = [[head.log_odds(said).double().numpy() for head in heads] for said in each]
    # Serving refuses a record without a lead, so it has no answer here either.
    there = np.asarray(recordings.lead_mask.any(axis=1), np.bool_)[:, None]
    mean = np.asarray(found, np.float64).mean(axis=0).T
    return np.where(there, mean, np.nan)
