"""Everything that is known of the explained stays, for plots and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.attribution.event_groups import WINDOWS
from components.core.metrics.resampling import Plan
from components.core.modalities import EVENTS
from components.core.row_names import row_names
from components.explain.cohort import whole
from components.explain.event_values import EventValues, event_values, known_words
from components.explain.explained import Explained
from components.explain.method import Attributed
from components.explain.sequences.by_risk import Stays
from components.explain.sequences.recording import Attended, Recorded, recorded
from components.explain.sequences.spans import span_of, sums

Floats = npt.NDArray[np.float64]
# Tables of single events are of the first of these that was run.
METHODS = ("ig", "layer_ig")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stay:
    """One stay.

    Attributes:
        name: `row-N`.
        events: when, what, and what methods say of it.
        attended: what attention did with it; None where it was not recorded.
    """

    name: str
    events: EventValues
    attended: Attended | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """The explained stays of an explanation.

    Attributes:
        stays: `n` of them, in the order of `Explained.records`.
        of: their patients, log-odds, and how patients are resampled.
        said: method → what it says of groups, in the stays' order.
        titles: method → its title.
        method: whose values of single events are told; empty where none tells of them.
        known: words of enough patients to be shown.
        recording: of the attention of the first fold; None where the network has none to show.
        folds: how many were explained.
        event: what the log-odds are of.
    """

    stays: tuple[Stay, ...]
    of: Stays
    said: dict[str, Attributed]
    titles: dict[str, str]
    method: str
    known: frozenset[str]
    recording: Recorded | None
    folds: int
    event: str

    def per_stay(self, figures: Callable[[EventValues], Floats], width: int) -> Floats:
        """Return `[n, width]` of each stay's events; NaN where a stay has none."""
        return self._rows([figures(s.events) if len(s.events.hours) else None for s in self.stays],
                          width)  # fmt: skip

    def per_attended(self, figures: Callable[[Stay, Attended], Floats], width: int) -> Floats:
        """Return `[n, width]` of each stay's attention; NaN where it was not recorded."""
        found = [None if s.attended is None else figures(s, s.attended) for s in self.stays]
        return self._rows(found, width)

    def attended(self) -> list[tuple[Stay, Attended]]:
        """Return the stays whose attention was recorded."""
        return [(each, each.attended) for each in self.stays if each.attended is not None]

    @staticmethod
    def _rows(found: list[Floats | None], width: int) -> Floats:
        nothing = np.full(width, np.nan)
        return np.stack([nothing if own is None else own for own in found])


def gather(
    folder: Path, explained: Explained, manifest: pd.DataFrame, plan: Plan
) -> Sequences | None:
    """Return what is known of the stays; None of a model without event sequences.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it.
        manifest: `sample_id` and `row` of the whole cohort.
        plan: how patients are resampled.
    """
    if EVENTS not in explained.folds[0].subject.inputs:
        return None
    names, records = row_names(manifest), explained.records
    said = {each.NAME: whole(explained, each)[0] for each in explained.methods}
    recording = recorded(explained.folds[0].subject, megabytes=explained.config.attention_megabytes)
    stays: list[Stay] = []
    for k, fold in enumerate(explained.folds):
        samples = fold.records["sample_id"].astype(str).tolist()
        own = {} if recording is None or k else recording.stays
        stays += [
            Stay(
                name=str(names[samples[each.number]]),
                events=_with_empty(each, said),
                attended=own.get(each.number),
            )
            for each in event_values(folder, fold, range(len(samples)))
        ]
    return Sequences(
        stays=tuple(stays),
        of=Stays(
            patients=records["patient_id"].to_numpy(object),
            log_odds=records["log_odds"].to_numpy(np.float64),
            plan=plan,
        ),
        said=said,
        titles={each.NAME: each.TITLE for each in explained.methods},
        method=next((name for name in METHODS if name in said), ""),
        known=known_words(explained),
        recording=recording,
        folds=len(explained.folds),
        event=explained.head.name,
    )


def _with_empty(events: EventValues, methods: Iterable[str]) -> EventValues:
    """Return the events; of a stay without any, of which no trace tells, methods say nothing."""
    return events if len(events.hours) else replace(
        events, values={name: np.zeros(0) for name in methods}
    )  # fmt: skip


def by_window(values: Floats, hours: Floats) -> Floats:
    """Return `[..., windows]` sums of `[..., S]` over the windows before the prediction."""
    return sums(values, span_of(hours), len(WINDOWS))


def share_of(values: Floats) -> Floats:
    """Return `[...]` magnitudes as shares of their sum over the last axis; NaN where all are 0."""
    size = np.abs(values)
    total = size.sum(axis=-1, keepdims=True)
    return np.divide(size, total, out=np.full(size.shape, np.nan), where=total > 0)
