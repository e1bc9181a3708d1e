"""Single stays on the page: every event in time, with attribution and attention apart."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.data.stored_events import EVENT_KINDS
from components.core.metrics.interval import number
from components.core.report.palette import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY
from components.core.report.section import Plot, Table
from components.core.report.style import STYLE
from components.explain.event_values import told
from components.explain.explained import Explained
from components.explain.page import Record
from components.explain.pictures.overlay import Answer, shown
from components.explain.sequences import drawing
from components.explain.sequences.attention_pictures import layer_attention
from components.explain.sequences.gathered import Sequences, Stay
from components.explain.sequences.recording import Attended, block_hours

Floats = npt.NDArray[np.float64]
# Events in a stay's table, those with the largest magnitude.
EVENTS_SHOWN = 15
# Above so many events a picture shows sums over as many equal steps of its axis.
MOST = 150
_KINDS = tuple(zip(EVENT_KINDS, (BLUE, GREEN, ORANGE, PURPLE, SKY), "osD^v", strict=True))


def stay_records(own: Sequences | None, explained: Explained) -> tuple[Record, ...]:
    """Return stays of high, low and middle risk; nothing of a model without event sequences.

    Args:
        own: the stays; None of such a model.
        explained: all of it; `config.overlays` of the stays are shown.
    """
    if own is None:
        return ()
    baseline = explained.records["baseline"].to_numpy(np.float64)
    return tuple(stay_record(own, k, float(baseline[k])) for k in shown_stays(own, explained))


def shown_stays(own: Sequences, explained: Explained) -> list[int]:
    """Return the numbers of the stays that are shown event by event."""
    return shown(own.of.log_odds, explained.config.overlays).tolist()


def stay_frame(own: Sequences, numbers: list[int]) -> pd.DataFrame:
    """Return a row per event of some stays: `stay, hours, kind, text`, and methods' values.

    Stays stand under `row-N`; of the texts what may be shown.
    """
    parts = [_frame(own, own.stays[k]) for k in numbers]
    return pd.concat(parts, ignore_index=True)


def stay_record(own: Sequences, k: int, baseline: float) -> Record:
    """Return what is shown of the k-th stay.

    Args:
        own: the stays.
        k: which one.
        baseline: log-odds of its baseline.
    """
    stay = own.stays[k]
    events = stay.events
    answer = Answer(name=stay.name, log_odds=events.log_odds, baseline=baseline, sums={})
    size = len(events.hours)
    facts = (*answer.facts(), f"{size:,} events" if size else "no event")
    if not size:
        return Record(name=stay.name, facts=facts)
    plots = [_picture(own, stay)]
    if stay.attended is not None:
        plots.append(_blocks(stay.name, stay.attended))
    tables = (_table(own, stay),) if own.method else ()
    return Record(name=stay.name, facts=facts, plots=tuple(plots), tables=tables)


def _frame(own: Sequences, stay: Stay) -> pd.DataFrame:
    events = stay.events
    frame = pd.DataFrame(
        {
            "stay": stay.name,
            "hours": events.hours,
            "kind": [EVENT_KINDS[kind] for kind in events.kind],
            "text": [told(text, own.known) for text in events.texts],
        }
    )
    attention = {}
    if stay.attended is not None:
        attention = {"attention_pooling": stay.attended.pooling.mean(axis=0),
                     "attention_rollout": stay.attended.rolled}  # fmt: skip
    return frame.assign(**events.values, **attention)


def _table(own: Sequences, stay: Stay) -> Table:
    frame = _frame(own, stay)
    order = frame[own.method].abs().sort_values(ascending=False, kind="stable").index
    has = stay.attended is not None
    rows = tuple(
        (
            f"{row['hours']:.1f} h", str(row["kind"]), str(row["text"]),
            number(float(row[own.method])),
            *([f"{row['attention_pooling']:.3f}"] if has else []),
        )
        for _, row in frame.loc[order[:EVENTS_SHOWN]].iterrows()
    )  # fmt: skip
    header = ("before the prediction", "kind", "text", "log-odds", *(["attention"] if has else []))
    caption = f"The {len(rows)} events that count most of {len(frame):,}, {own.titles[own.method]}"
    note = "Attention: weight of the pooling, mean over heads; not importance." if has else ""
    return Table(caption, header, rows, note)


@mpl.rc_context(STYLE)
def _picture(own: Sequences, stay: Stay) -> Plot:
    attended = stay.attended
    count = bool(own.method) + (attended is not None)
    figure = Figure(figsize=(9.4, 1.0 + 2.6 * max(count, 1)), layout="constrained")
    panels = figure.subplots(max(count, 1), 1, squeeze=False, sharex=True)[:, 0]
    longest = float(stay.events.hours.max())
    if own.method:
        _attribution(panels[0], own, stay)
    if attended is not None:
        _attention(panels[-1], stay, attended)
    for axes in panels:
        drawing.time_axis(axes, longest)
        axes.label_outer()
    alt = f"{stay.name}: {len(stay.events.hours):,} events over {longest:.0f} hours."
    return drawing.finished(figure, name=f"{stay.name}-sequence_importance", alt=alt)


def _attribution(axes: Axes, own: Sequences, stay: Stay) -> None:
    events = stay.events
    values = events.values[own.method]  # noqa: PD011 - a dict
    axes.axhline(0, color=BLACK, lw=0.8)
    for kind, (name, colour, marker) in enumerate(_KINDS):
        mine = events.kind == kind
        if mine.any():
            x, y = thinned(events.hours[mine], values[mine], len(events.hours))
            axes.vlines(x, 0, y, color=colour, lw=0.8, alpha=0.6)
            axes.plot(x, y, marker, color=colour, ms=4, label=name)
    axes.margins(y=0.25)  # room for the legend
    axes.set_ylabel("log-odds")
    axes.set_title(f"Attribution of events, {own.titles[own.method]}{_summed(len(events.hours))}")
    axes.legend(fontsize=8, ncols=len(_KINDS), loc="upper left")


def _attention(axes: Axes, stay: Stay, attended: Attended) -> None:
    size = len(attended.hours)
    for values, colour, marker, name in (
        (attended.pooling.mean(axis=0), BLUE, "s", "pooling, mean over heads"),
        (attended.rolled, PURPLE, "^", "rollout"),
    ):
        x, y = thinned(attended.hours, values, size)
        axes.plot(x, y, marker, color=colour, ms=4, alpha=0.8, label=name)
    axes.margins(y=0.25)
    axes.set_ylim(0, None)
    axes.set_ylabel("attention")
    axes.set_title(f"{stay.name}, {drawing.ATTENTION}{_summed(size)}")
    axes.legend(fontsize=8, ncols=2, loc="upper left")


def thinned(hours: Floats, values: Floats, events: int) -> tuple[Floats, Floats]:
    """Return where to draw what: events themselves, or sums over equal steps of the axis."""
    x = drawing.place(hours)
    if events <= MOST:
        return x, values
    edges = np.linspace(0, float(x.max()) or 1.0, MOST + 1)
    step = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, MOST - 1)
    sums = np.bincount(step, weights=values, minlength=MOST).astype(np.float64)
    full = np.flatnonzero(np.bincount(step, minlength=MOST))
    return (edges[:-1] + edges[1:])[full] / 2, sums[full]


def _summed(events: int) -> str:
    return "" if events <= MOST else f", sums over {MOST} steps of time"


def _blocks(name: str, attended: Attended) -> Plot:
    names = [f"{hours:.1f} h" for hours in block_hours(attended.hours)]
    joined = "" if len(names) == len(attended.hours) else f", joined to {len(names)} runs"
    return layer_attention(
        attended.blocks, names, name=f"{name}-layer_attention_weights",
        words=f"Attention between the events of {name}{joined}, by hours before the prediction",
    )  # fmt: skip
