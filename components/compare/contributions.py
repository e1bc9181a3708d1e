"""What each modality contributes to the compared models, as each training kept it: before, after.

The shares are of each training's own validation part, the AUROC beside them of the test part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.comparison.judged import Judged
from components.core.comparison.paired import headline_name
from components.core.contribution_facts import (
    Summary,
    ordered,
    percent,
    read,
    summary,
    verdict,
)
from components.core.metrics.interval import number
from components.core.modalities import TITLES
from components.core.report.section import Plot, Section, Table
from components.core.report.style import BLACK, SERIES, STYLE, render
from components.core.report.training_history import aims

NAME = "contributions"
# Height of a bar, of the room between modalities and of title and axis, in inches.
_BAR, _GAP, _FRAME = 0.26, 0.24, 1.1
Found = Mapping[str, Summary]


def contributions(models: Sequence[Judged]) -> dict[str, Summary]:
    """Return letter → contributions, of the models that have them."""
    kept = {m.letter: read(m.stage.facts) for m in models}
    return {letter: summary(networks) for letter, networks in kept.items() if networks}


def section(models: Sequence[Judged]) -> Section | None:
    """Return shares of every model side by side; None where fewer than two have any."""
    found = contributions(models)
    if len(found) < 2:
        return None
    have = [m for m in models if m.letter in found]
    return Section(
        name=NAME,
        title="What does each modality contribute?",
        text=_sentences(models, found),
        tables=(_table(have, found),),
        plots=(
            Plot(
                name=NAME,
                svg=_picture(have, found),
                alt="Share of each modality in each model. The figures are in the table.",
                wide=True,
            ),
        ),
    )


def plain(models: Sequence[Judged]) -> dict[str, Any]:
    """Return letter → shares, Shapley values and falls by shuffling, as JSON values."""
    return {
        letter: {"share": each.share, "phi": each.phi, "fall": each.fall}
        for letter, each in contributions(models).items()
    }


def _sentences(models: Sequence[Judged], found: Found) -> tuple[str, ...]:
    how = (
        "A modality's share of the Shapley values of AUROC, on the validation part of each model's "
        "own training at the kept epochs; the AUROC is that of the test part. More even shares are "
        "no gain by themselves: the AUROC must not fall for them."
    )
    without = [m.name for m in models if m.letter not in found]
    if not without:
        return (how,)
    return how, f"Contributions were not measured of {', '.join(without)}."


def _names(found: Found) -> tuple[str, ...]:
    return ordered(list(dict.fromkeys(name for each in found.values() for name in each.names)))


def _table(models: Sequence[Judged], found: Found) -> Table:
    names = _names(found)
    each = (f"{TITLES.get(name, name)}: share; φ; fall, shuffled" for name in names)
    header = ("Model", "Run", "AUROC, test", "AUROC, validation", *each)
    rows = tuple(
        (
            m.name,
            m.reference,
            m.figures[headline_name(m)].text(),
            number(_validation(found[m.letter])),
            *(_cell(found[m.letter], name) for name in names),
        )
        for m in models
    )
    note = "Shares and AUROC on validation without an interval; means over folds and seeds."
    return Table("Contributions, model by model", header, rows, note)


def _validation(each: Summary) -> float:
    return sum(network.auroc for network in each.networks) / len(each.networks)


def _cell(each: Summary, name: str) -> str:
    if name not in each.share:
        return "not in the model"
    share = each.share[name]
    aim = verdict(share, len(each.names))
    text = f"{percent(share)}; {number(each.phi[name])}; {number(each.fall[name])}"
    return f"{text} ({aim})" if aim and aim != "undefined" else text


@mpl.rc_context(STYLE)
def _picture(models: Sequence[Judged], found: Found) -> str:
    names = _names(found)
    high = _FRAME + len(names) * (_BAR * len(models) + _GAP)
    figure = Figure(figsize=(9.4, high), layout="constrained")
    axes = figure.subplots()
    aims(axes, max(len(each.names) for each in found.values()), upright=True)
    step = len(models) + _GAP / _BAR
    for place, model in enumerate(models):
        _bars(axes, model, found[model.letter], names, step=step, place=place)
    middle = (len(models) - 1) / 2
    axes.set_yticks([i * step + middle for i in range(len(names))],
                    [TITLES.get(name, name) for name in names])  # fmt: skip
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(title="Contributions, before and after", xlabel="Share of Shapley values, %",
             xlim=(0, 112))  # fmt: skip
    figure.legend(*axes.get_legend_handles_labels(), fontsize=8, loc="outside right upper")
    return render(figure).decode()


def _bars(
    axes: Axes, model: Judged, found: Summary, names: Sequence[str], *, step: float, place: int
) -> None:
    label = f"{model.name}, AUROC {number(model.figures[headline_name(model)].value)}"
    own = [(i * step + place, found.share[name]) for i, name in enumerate(names)
           if name in found.share]  # fmt: skip
    widths = [100 * share if share >= 0 else 0.0 for _, share in own]  # NaN is not at least 0
    axes.barh([low for low, _ in own], widths, height=0.85, color=SERIES[place], zorder=2,
              label=label)  # fmt: skip
    for (low, share), width in zip(own, widths, strict=True):
        axes.text(width + 1, low, percent(share), va="center", fontsize=8, color=BLACK)
