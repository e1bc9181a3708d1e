"""Pictures of what attention did over the stays, each labelled as attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from components.core.attribution.event_groups import WINDOWS
from components.core.metrics.interval import Interval
from components.core.report.palette import BLACK, BLUE, GREY, ORANGE, PURPLE
from components.core.report.section import Plot
from components.core.report.style import STYLE
from components.explain.pictures.heat import SIGNED, draw_map, largest
from components.explain.sequences import drawing
from components.explain.sequences.heads import GROUPS, Heads
from components.explain.sequences.over_time import ATTENTION, EVENTS, ROLLOUT, SHARE
from components.explain.sequences.tables import Told

Floats = npt.NDArray[np.float64]
_SHADES = LinearSegmentedColormap.from_list("attention", ["#ffffff", BLUE])
_KINDS = len(GROUPS) - len(WINDOWS)
# Windows of the maps' columns: the past on the left, behind the kinds.
_ORDER = [*range(_KINDS), *reversed(range(_KINDS, len(GROUPS)))]
_SERIES = (
    (EVENTS, GREY, "o", "share of the events"),
    (ATTENTION, BLUE, "s", "attention of the pooling, mean over heads"),
    (ROLLOUT, PURPLE, "^", "attention rollout"),
    (SHARE, ORANGE, "D", "|attribution|"),
)


@mpl.rc_context(STYLE)
def layer_attention(weights: Floats, names: Sequence[str], *, name: str, words: str) -> Plot:
    """Return a map per layer (downwards) and head (to the right), from and to places in time.

    Args:
        weights: `[L, H, M, M]` from (third axis) and to; NaN where there is nothing.
        names: `M` of the places, in the order of both axes, the oldest first.
        name: of the picture.
        words: whose attention it is.
    """
    layers, heads = weights.shape[:2]
    size = (1.5 + 1.35 * heads, 1.7 + 1.35 * layers)
    figure = Figure(figsize=(max(size[0], 7.2), size[1]), layout="constrained")
    panels = figure.subplots(layers, heads, squeeze=False, sharex=True, sharey=True)
    scale = Normalize(0, largest(weights))
    for (layer, head), axes in np.ndenumerate(panels):
        axes.set_facecolor("#ededed")
        axes.imshow(np.ma.masked_invalid(weights[layer, head]), cmap=_SHADES, norm=scale,
                            aspect="auto", interpolation="nearest")  # fmt: skip
        axes.grid(visible=False)
        axes.set_title(f"layer {layer + 1} head {head + 1}", fontsize=8)
        _places(axes, names)
    figure.colorbar(ScalarMappable(scale, _SHADES), ax=panels, label="attention", shrink=0.7)
    figure.supxlabel("to events …", fontsize=9)
    figure.supylabel("from events …", fontsize=9)
    figure.suptitle(f"{words}\n{drawing.ATTENTION}", fontsize=10)
    alt = f"{words}: attention per layer and head. {drawing.ATTENTION}."
    return drawing.finished(figure, name=name, alt=alt)


@mpl.rc_context(STYLE)
def sequence_importance(found: Heads, even: Told) -> Plot:
    """Return a panel per head of the pooling: its weight in each window, and that of the events."""
    whole = found.told.intervals()
    rows = [k for k, each in enumerate(found.names) if each.startswith("pooling")]
    columns = min(len(rows), 4)
    height = 2.6 * -(-len(rows) // columns)
    figure = Figure(figsize=(9.4, 0.9 + height), layout="constrained")
    panels = figure.subplots(-(-len(rows) // columns), columns, squeeze=False, sharey=True)
    for axes in panels.ravel()[len(rows) :]:
        axes.set_visible(False)
    alt: list[str] = []
    for row, axes in zip(rows, panels.ravel(), strict=False):
        start = row * len(GROUPS) + _KINDS
        own = {k: whole[start + k] for k in range(len(WINDOWS)) if start + k in whole}
        drawing.bars(axes, own, colour=BLUE)
        drawing.even_line(axes, even.intervals())
        drawing.window_axis(axes, label=False)
        axes.set_title(found.names[row])
        alt.append(f"{found.names[row]}: {drawing.spoken(own)}")
    panels[0, 0].set_ylabel("share of the head's attention")
    panels[0, 0].legend(fontsize=8)
    figure.suptitle(f"Pooling by head ({drawing.ATTENTION})", fontsize=10)
    figure.supxlabel("window before the prediction", fontsize=9)
    return drawing.finished(figure, name="sequence_importance", alt=". ".join(alt))


@mpl.rc_context(STYLE)
def combined(found: Mapping[str, Told]) -> Plot:
    """Return attention, rollout and |attribution| in each window side by side, as shares."""
    figure = Figure(figsize=(9.4, 4.2), layout="constrained")
    axes = figure.subplots()
    alt: list[str] = []
    for number, (key, colour, marker, words) in enumerate(_SERIES):
        if key in found:
            own = found[key].intervals()
            shift = (number - (len(_SERIES) - 1) / 2) * 0.14
            _series(axes, own, colour=colour, marker=marker, label=words, shift=shift)
            alt.append(f"{words}: {drawing.spoken(own)}")
    drawing.window_axis(axes)
    axes.set(ylabel="share of a stay, mean", ylim=(0, None))
    axes.set_title("Where in time: attention is what was mixed, |attribution| what counted")
    axes.legend(fontsize=8)
    return drawing.finished(figure, name="sequence_importance_combined", alt=". ".join(alt))


@mpl.rc_context(STYLE)
def rollout(found: Mapping[str, Told]) -> Plot:
    """Return the rollout in each window, and the share of the events."""
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.subplots()
    own = found[ROLLOUT].intervals()
    drawing.bars(axes, own, colour=PURPLE)
    drawing.even_line(axes, found[EVENTS].intervals())
    drawing.window_axis(axes)
    axes.set(ylabel="share of the rollout")
    axes.set_title(f"Attention rollout\n({drawing.ATTENTION})")
    axes.legend(fontsize=8)
    return drawing.finished(figure, name="attention_rollout", alt=drawing.spoken(own))


@mpl.rc_context(STYLE)
def specialization(found: Heads) -> Plot:
    """Return a map of heads by kind and window: doublings over the share of the events."""
    values = found.preference[:, _ORDER]
    rows = len(found.names)
    figure = Figure(figsize=(9.4, 1.9 + 0.26 * rows), layout="constrained")
    axes = figure.subplots()
    top = largest(values)
    names = (found.names, [GROUPS[k] for k in _ORDER])
    draw_map(axes, values, names, colours=SIGNED, scale=Normalize(-top, top))
    axes.axvline(_KINDS, color=BLACK, lw=1.2)
    axes.set_xticks(axes.get_xticks(), names[1], rotation=40, ha="right", fontsize=8)
    axes.set_title(
        "log2 of a head's attention over the share of the events: 1 is twice as much as even\n"
        f"({drawing.ATTENTION})"
    )
    return drawing.finished(figure, name="head_specialization", alt=_strongest(values, names))


@mpl.rc_context(STYLE)
def query_vector(found: Mapping[str, Told]) -> Plot:
    """Return how near events lie to the query, and whether the heads weight by that."""
    figure = Figure(figsize=(9.4, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    cosine, ranks = found["cosine"].intervals(), found["ranks"].intervals()
    for at, group in enumerate(_ORDER):
        if group in cosine:
            _dot(left, at, cosine[group])
    left.set_xticks(range(len(GROUPS)), [GROUPS[k] for k in _ORDER], rotation=40, ha="right",
                    fontsize=8)  # fmt: skip
    left.axvline(_KINDS - 0.5, color=GREY, lw=0.8)
    left.set_title("Cosine of encoded events and query")
    for at, own in ranks.items():
        _dot(right, at, own)
    heads = sorted(ranks)
    right.set_xticks(heads, [f"head {k + 1}" for k in heads], rotation=40, ha="right", fontsize=8)
    right.set_title("Rank correlation of cosine\nand pooling weight")
    for axes in (left, right):
        axes.axhline(0, color=BLACK, lw=0.8)
    figure.suptitle(f"Query of the pooling ({drawing.ATTENTION})", fontsize=10)
    return drawing.finished(
        figure, name="query_vector_analysis", alt=f"cosine: {drawing.spoken(cosine, GROUPS)}"
    )


def _places(axes: Axes, names: Sequence[str]) -> None:
    shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), 7)).round().astype(np.int64))
    labels = [names[int(k)] for k in shown]
    axes.set_xticks(shown, labels, rotation=90, fontsize=6)
    axes.set_yticks(shown, labels, fontsize=6)


def _series(
    axes: Axes, own: Mapping[int, Interval], *, colour: str, marker: str, label: str, shift: float
) -> None:
    places = [drawing.at_window(k) + shift for k in own]
    values = [each.value for each in own.values()]
    axes.plot(places, values, color=colour, marker=marker, ls="", ms=6, label=label)
    axes.vlines(places, [each.lo for each in own.values()], [each.hi for each in own.values()],
                color=colour, lw=1.4)  # fmt: skip


def _dot(axes: Axes, at: int, own: Interval) -> None:
    axes.plot([at], [own.value], "o", color=BLUE, ms=6)
    axes.plot([at, at], [own.lo, own.hi], color=BLUE, lw=1.4)


def _strongest(values: Floats, names: tuple[Sequence[str], Sequence[str]]) -> str:
    flat = np.nan_to_num(np.abs(values)).ravel()
    places = [divmod(int(k), values.shape[1]) for k in np.argsort(-flat, kind="stable")[:3]]
    said = [f"{names[0][r]} on {names[1][c]}: {values[r, c]:.2f} doublings" for r, c in places]
    return f"Strongest preferences: {'; '.join(said)}."
