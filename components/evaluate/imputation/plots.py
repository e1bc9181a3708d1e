"""Pictures of imputation: errors against the mean and peers, coverage against what is stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl

from components.core.imputation.figures import OVERALL, of
from components.core.imputation.pairs import LEVELS, OURS
from components.core.metrics.interval import Interval
from components.core.modalities import TITLES
from components.core.report.forest import Row, forest
from components.core.report.style import BLACK, DASHES, GREY, SERIES, STYLE, render, square
from components.evaluate.imputation.words import WAYS

_TONES = {OURS: "reference", "best": "marked"}


def errors_plot(
    found: Mapping[str, Interval], modalities: Sequence[str], ways: Sequence[str]
) -> str:
    """Return relative errors of ours and the other ways, modality by modality, as SVG."""
    rows: list[Row] = []
    for name in (OVERALL, *modalities):
        own = of(dict(found), name)
        rows.append(Row(label=TITLES.get(name, "all modalities")))
        for way in (OURS, *ways):
            interval = own[f"mse_relative_{way}"]
            if way != "mean" and interval.value == interval.value:
                rows.append(Row(label=WAYS[way], interval=interval, tone=_TONES.get(way, "plain")))
    return forest(rows, title="Squared error over that of the training mean, lower is better",
                  line=1.0)  # fmt: skip


@mpl.rc_context(STYLE)
def coverage_plot(found: Mapping[str, Interval], modalities: Sequence[str]) -> str:
    """Return which share of entries lies within intervals of which nominal share, as SVG."""
    figure, axes = square("Entries within their interval")
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="as stated")
    for place, name in enumerate((*modalities, OVERALL)):
        own = of(dict(found), name)
        known = [level for level in LEVELS if f"coverage_{round(100 * level)}" in own]
        shares = [own[f"coverage_{round(100 * level)}"] for level in known]
        colour = BLACK if name == OVERALL else SERIES[place]
        axes.plot(known, [each.value for each in shares], color=colour, ls=DASHES[place],
                  marker="o", ms=3.5, label=TITLES.get(name, "all modalities"))  # fmt: skip
        if name == OVERALL:
            axes.fill_between(known, [each.lo for each in shares], [each.hi for each in shares],
                              color=BLACK, alpha=0.12, lw=0)  # fmt: skip
    axes.set(xlabel="Nominal share", ylabel="Observed share")
    axes.legend(fontsize=8, loc="upper left")
    return render(figure).decode()
