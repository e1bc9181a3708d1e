"""Importance over time: attribution in each window before the prediction, attention beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.attribution.event_groups import WINDOWS
from components.explain.event_values import EventValues
from components.explain.sequences.gathered import Sequences, by_window, share_of
from components.explain.sequences.tables import Told, told

Floats = npt.NDArray[np.float64]
SHARE, SIGNED = "share of |attribution|", "attribution"
EVENTS = "share of the events"
ATTENTION, ROLLOUT = "attention of the pooling", "attention rollout"
_LABELS = [{"window": window} for window in WINDOWS]


def over_time(own: Sequences) -> dict[str, Told]:
    """Return figure → what it is in each window: shares sum to 1 over a stay's windows."""
    width = len(WINDOWS)
    columns: dict[str, tuple[Floats, str]] = {}
    if own.method:
        title = own.titles[own.method]
        columns[SHARE] = (
            own.per_stay(lambda e: shares(e, own.method), width),
            f"Share of each stay's |attribution| of events, {title}",
        )
        columns[SIGNED] = (
            own.per_stay(lambda e: signed(e, own.method), width),
            f"Attribution of the events of a window, log-odds, {title}; stays with such events",
        )
    columns[EVENTS] = (own.per_stay(counts, width), "Share of each stay's events")
    if own.attended():
        columns[ATTENTION] = (
            own.per_attended(lambda _, a: by_window(a.pooling.mean(axis=0), a.hours), width),
            "Attention of the pooling, mean over its heads (attention, not importance)",
        )
        columns[ROLLOUT] = (
            own.per_attended(lambda _, a: by_window(a.rolled, a.hours), width),
            "Attention rollout (attention, not importance)",
        )
    return {
        name: told(values, _LABELS, own.of, figure=name, caption=caption)
        for name, (values, caption) in columns.items()
    }


def shares(events: EventValues, method: str) -> Floats:
    """Return `[windows]` share of a stay's |attribution|; NaN where nothing is attributed."""
    return share_of(by_window(np.abs(events.values[method]), events.hours))


def signed(events: EventValues, method: str) -> Floats:
    """Return `[windows]` sums of attribution; NaN of windows without events."""
    count = by_window(np.ones(len(events.hours)), events.hours)
    return np.where(count > 0, by_window(events.values[method], events.hours), np.nan)


def counts(events: EventValues) -> Floats:
    """Return `[windows]` share of a stay's events."""
    return share_of(by_window(np.ones(len(events.hours)), events.hours))
