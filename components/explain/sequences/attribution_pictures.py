"""Pictures of attributions of event sequences over the stays, in log-odds."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from components.core.attribution.event_groups import WINDOWS
from components.core.attribution.groups import Grouped
from components.core.data.stored_events import EVENT_KINDS
from components.core.report.section import Plot
from components.core.report.style import STYLE
from components.explain.method import Attributed
from components.explain.pictures import bars
from components.explain.pictures.heat import SIGNED, SIZE, draw_map, largest
from components.explain.pictures.means import Mean, by_size, means
from components.explain.sequences import drawing
from components.explain.sequences.gathered import Sequences

Floats = npt.NDArray[np.float64]
# Method → the picture of what it says.
PICTURES = {
    "ig": "captum_attributions",
    "layer_ig": "captum_layer_attributions",
    "ablation": "captum_ablation_attributions",
}
CELL, KIND, STATIC = "event_cell", "event_kind", "variable"
# Static variables in a picture: the largest.
SHOWN = 15


def pictures(own: Sequences) -> list[Plot]:
    """Return a picture of each method of `PICTURES` that was run and speaks of events."""
    return [
        attributions(own, method, name=name)
        for method, name in PICTURES.items()
        if method in own.said and CELL in own.said[method].grouped
    ]


@mpl.rc_context(STYLE)
def attributions(own: Sequences, method: str, *, name: str) -> Plot:
    """Return the maps of kind by window, signed and as magnitude, and the static variables below.

    Args:
        own: the stays.
        method: whose attributions.
        name: of the picture.
    """
    said = own.said[method]
    shape = (len(EVENT_KINDS), len(WINDOWS))
    values = said.grouped[CELL].values
    signed, size = (_means(each).reshape(shape)[:, ::-1] for each in (values, np.abs(values)))
    static = _largest(_of(own, said, STATIC))
    figure = Figure(figsize=(9.4, 3.6 + (1.0 + 0.26 * len(static)) * bool(static)),
                    layout="constrained")  # fmt: skip
    maps, below = _panels(figure, len(static))
    top, names = largest(signed), (EVENT_KINDS, drawing.NEWEST_LAST)
    draw_map(maps[0], signed, names, colours=SIGNED, scale=Normalize(-top, top))
    draw_map(maps[1], size, names, colours=SIZE, scale=Normalize(0, largest(size)))
    for axes, title in zip(maps, ("log-odds", "magnitude, log-odds"), strict=True):
        axes.set_title(f"Events: mean {title}")
        axes.set_xticks(axes.get_xticks(), names[1], rotation=40, ha="right", fontsize=8)
        axes.set_xlabel("window before the prediction")
    if below is not None:
        _static(below, static, own.event)
    figure.suptitle(f"{own.titles[method]}: orange speaks for {own.event}, blue against it",
                    fontsize=10, parse_math=False)  # fmt: skip
    alt = f"{own.titles[method]}. {_words(signed)}"
    return drawing.finished(figure, name=name, alt=alt)


def feature_importance(own: Sequences, method: str) -> Plot:
    """Return bars of kinds of events and static variables, the largest mean magnitude on top."""
    said = own.said[method]
    found = {f"events: {key}": each for key, each in _of(own, said, KIND).items()}
    found |= _of(own, said, STATIC)
    return bars.bars(
        _largest(found), name="feature_importance", title=own.titles[method], event=own.event,
        png=True,
    )  # fmt: skip


def _of(own: Sequences, said: Attributed, kind: str) -> dict[str, Mean]:
    if kind not in said.grouped:
        return {}
    grouped: Grouped = said.grouped[kind]
    return means(grouped, own.of.patients, plan=own.of.plan)


def _largest(found: dict[str, Mean]) -> dict[str, Mean]:
    return {name: found[name] for name in by_size(found)[:SHOWN]}


def _panels(figure: Figure, rows: int) -> tuple[list[Axes], Axes | None]:
    if not rows:
        return list(figure.subplots(1, 2)), None
    grid = figure.add_gridspec(2, 2, height_ratios=(3.6, 1.0 + 0.26 * rows))
    above = [figure.add_subplot(grid[0, k]) for k in range(2)]
    return above, figure.add_subplot(grid[1, :])


def _static(axes: Axes, found: dict[str, Mean], event: str) -> None:
    bars.panel(axes, [mean.signed for mean in found.values()], signed=True)
    axes.set_yticks([-k for k in range(len(found))], list(found), parse_math=False)
    axes.set_title("Static variables")
    axes.set_xlabel(f"mean log-odds: against {event} < 0 < towards", parse_math=False)


def _means(values: Floats) -> Floats:
    count = np.isfinite(values).sum(axis=0)
    total = np.nan_to_num(values).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _words(signed: Floats) -> str:
    flat = np.nan_to_num(signed).ravel()
    places = [divmod(int(k), len(WINDOWS)) for k in np.argsort(-np.abs(flat), kind="stable")[:3]]
    said = [f"{EVENT_KINDS[r]} {drawing.NEWEST_LAST[c]}: {signed[r, c]:.3f}" for r, c in places]
    return f"Largest means: {'; '.join(said)}."
