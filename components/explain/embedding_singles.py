"""Single records on the page: what each embedding of a patient moves, and which are not there."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from components.core.metrics.interval import number
from components.core.modalities import EMBEDDED
from components.core.report.palette import AGAINST, BLACK, TOWARDS
from components.core.report.section import Plot
from components.core.report.style import STYLE, render
from components.explain.explained import Explained, Fold
from components.explain.page import Record
from components.explain.pictures.means import spoken
from components.explain.pictures.overlay import Answer, shown

# The first of these that was run is drawn: what hiding an embedding changes, else the gradients'.
METHODS = ("ablation", "ig", "shapley")
_ROW, _FRAME = 0.34, 1.0


@dataclass(frozen=True, kw_only=True)
class _Bars:
    """What is drawn of one record: modality → log-odds, NaN where it is absent."""

    name: str
    event: str
    title: str
    moved: dict[str, float]


def embedding_records(explained: Explained, names: pd.Series) -> tuple[Record, ...]:
    """Return records of high, low and middle risk; nothing of a model without embeddings.

    Args:
        explained: all of it; `config.overlays` of the records are drawn.
        names: `sample_id` → `row-N`.
    """
    methods = {each.NAME: each for each in explained.methods}
    method = next((name for name in METHODS if name in methods), "")
    if not method or not set(EMBEDDED) & set(explained.folds[0].subject.inputs):
        return ()
    places = [(fold, at) for fold in explained.folds for at in range(len(fold.records))]
    log_odds = explained.records["log_odds"].to_numpy(np.float64)
    picked = [places[k] for k in shown(log_odds, explained.config.overlays)]
    title = methods[method].TITLE
    return tuple(
        _record(fold, at, names=names, method=method, title=title, event=explained.head.name)
        for fold, at in picked
    )


def _record(
    fold: Fold, at: int, *, names: pd.Series, method: str, title: str, event: str
) -> Record:
    own = fold.records.iloc[at]
    grouped = fold.said[method].grouped["modality"]
    row = grouped.values[at]  # noqa: PD011 - an array
    values = dict(zip([spoken(name) for name in grouped.names], row.tolist(), strict=True))
    answer = Answer(
        name=str(names[str(own["sample_id"])]),
        log_odds=float(own["log_odds"]),
        baseline=float(own["baseline"]),
        sums=values,
    )
    absent = [name for name, value in values.items() if not np.isfinite(value)]
    facts = (*answer.facts(), *([f"not there: {', '.join(absent)}"] if absent else []))
    drawn = _Bars(name=answer.name, event=event, title=title, moved=values)
    return Record(name=answer.name, facts=facts, plots=(_bars(drawn),))


@mpl.rc_context(STYLE)
def _bars(drawn: _Bars) -> Plot:
    figure = Figure(figsize=(7.2, _FRAME + _ROW * len(drawn.moved)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=BLACK, lw=0.8)
    for place, value in enumerate(drawn.moved.values()):
        if np.isfinite(value):
            colour = TOWARDS if value > 0 else AGAINST
            axes.barh(-place, value, height=0.62, color=colour, alpha=0.75)
        else:
            axes.text(0, -place, " not there", va="center", fontsize="small")
    axes.set_yticks([-k for k in range(len(drawn.moved))], list(drawn.moved))
    axes.set(title=drawn.title, xlabel=f"log-odds: against {drawn.event} < 0 < towards")
    axes.xaxis.label.set_parse_math(False)
    axes.grid(visible=False, axis="y")
    told = "; ".join(f"{key}: {_said(value)}" for key, value in drawn.moved.items())
    alt = f"{drawn.title} of {drawn.name}. {told}."
    return Plot(name=f"embeddings-{drawn.name}", svg=render(figure).decode(), alt=alt, wide=True)


def _said(value: float) -> str:
    return number(value, 2) if np.isfinite(value) else "not there"
