"""The first screen: what a reader wants to know before anything else, a few figures and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from components.core.metrics.interval import Interval, number
from components.core.modalities import TITLES
from components.evaluate.report import wording
from components.evaluate.report.data import ReportData

Tone = Literal["good", "warning", "plain"]
# The figure of a section that compares the fused network with the best on one input, and how much
# AUROC fusing may cost: the margin of non-inferiority of promotion, too.
FUSED, FUSION_MARGIN = "fused_minus_single", 0.02


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure of the first screen.

    Attributes:
        label: what it is.
        value: the figure, or a word.
        details: lines below: interval, sizes, what would be ideal.
        tone: repeats what the words say.
    """

    label: str
    value: str
    details: tuple[str, ...] = ()
    tone: Tone = "plain"


def tiles(data: ReportData) -> list[Tile]:
    """Return the first screen's figures, the headline first.

    Of too few patients only the headline's interval is shown: the other figures are in the tables.
    """
    found = [_headline(data), _sizes(data), _rivals(data), *_fusion(data)]
    if not wording.is_underpowered(wording.evaluated_split(data)):
        found += [*_point(data), *_scale(data)]
    return [*found, _audit(data)]


def _headline(data: ReportData) -> Tile:
    figure, title = data.figures[data.headline], wording.metric_of(data.headline).title
    if wording.is_underpowered(wording.evaluated_split(data)):
        bounds = f"{number(figure.lo, 2)} to {number(figure.hi, 2)}"
        point = f"95 % interval; point value {number(figure.value, 2)}"
        return Tile(label=title, value=bounds, details=("underpowered", point), tone="warning")
    details = [f"95 % interval {number(figure.lo)} to {number(figure.hi)}"]
    if data.headline == "auroc":
        details.append("0.5 is chance, 1 is perfect")
    if data.oracle is not None:
        details.append(f"best possible on this synthetic cohort {number(data.oracle.value)}")
    return Tile(label=title, value=number(figure.value), details=tuple(details))


def _sizes(data: ReportData) -> Tile:
    split = wording.evaluated_split(data)
    return Tile(
        label="Prevalence of the event",
        value=wording.percent(split.prevalence),
        details=(f"{split.events:,} of {split.patients:,} patients evaluated had the event",)
        + ((f"{split.censored:,} with unknown outcome",) if split.censored else ()),
    )


def _rivals(data: ReportData) -> Tile:
    label = "Against simple models"
    if not data.baselines:
        return Tile(label=label, value="not compared", details=("none was fitted",), tone="warning")
    won = sum(wording.beaten(each, data.headline) for each in data.baselines)
    title = wording.metric_of(data.headline).title
    differences = tuple(
        f"{each.name}: {_signed(each.difference[data.headline].value)} "
        f"({number(each.difference[data.headline].lo)} to "
        f"{number(each.difference[data.headline].hi)})"
        for each in data.baselines
    )
    return Tile(
        label=label,
        value=f"beats {won} of {len(data.baselines)}",
        details=(f"difference in {title}", *differences),
        tone="good" if won == len(data.baselines) else "warning",
    )


def _fusion(data: ReportData) -> Iterator[Tile]:
    """Yield whether fusing costs no more than it may, where networks of one input were made."""
    for section in data.sections:
        gap = section.figures.get(FUSED)
        if gap is None:
            continue
        met = gap.lo > -FUSION_MARGIN
        best = section.tags.get("best_single", "")
        single = f"the {TITLES[best]}" if best in TITLES else "one input"
        others = tuple(_not_shown(section.figures, best)) if met else ()
        yield Tile(
            label="Fused against the best single input",
            value="no worse" if met else "not shown to be no worse",
            details=(
                f"{single} alone, chosen on validation",
                f"difference in AUROC {_signed(gap.value)} ({number(gap.lo)} to {number(gap.hi)})",
                f"its lower limit must lie above {number(-FUSION_MARGIN, 2)}",
                *others,
            ),
            tone="good" if met and not others else "warning",
        )


def _not_shown(figures: Mapping[str, Interval], best: str) -> Iterator[str]:
    """Yield the other inputs against which the fused network misses the margin."""
    for name, title in TITLES.items():
        gap = figures.get(f"single/{name}/auroc_diff")
        if name != best and gap is not None and not gap.lo > -FUSION_MARGIN:
            yield (
                f"not shown against the {title} alone: {_signed(gap.value)} "
                f"({number(gap.lo)} to {number(gap.hi)})"
            )


def _point(data: ReportData) -> Iterator[Tile]:
    names = ("sensitivity", "specificity")
    if not set(names) <= set(data.figures):
        return
    each = [data.figures[name] for name in names]
    yield Tile(
        label="Sensitivity / specificity",
        value=" / ".join(number(figure.value, 2) for figure in each),
        details=tuple(
            f"{name} {number(figure.lo, 2)} to {number(figure.hi, 2)}"
            for name, figure in zip(names, each, strict=True)
        ),
    )


def _scale(data: ReportData) -> Iterator[Tile]:
    slope = data.figures.get("calibration_slope")
    if slope is not None:
        yield Tile(
            label="Calibration slope",
            value=number(slope.value, 2),
            details=(
                f"95 % interval {number(slope.lo, 2)} to {number(slope.hi, 2)}",
                "1 is ideal; below it risks are too extreme",
            ),
        )


def _audit(data: ReportData) -> Tile:
    label, checks = "Leakage audit", data.audit
    if not checks:
        return Tile(label=label, value="not run", tone="warning")
    counted = {state: sum(check.status == state for check in checks) for state in _STATES}
    value, tone = next((_STATES[state] for state in _STATES if counted[state]), ("passed", "good"))
    details = [f"{count} {_WORDS[state]}" for state, count in counted.items() if count]
    details.append(f"{len(checks)} check{'' if len(checks) == 1 else 's'} made")
    return Tile(label=label, value=value, details=tuple(details), tone=tone)


_STATES: dict[str, tuple[str, Tone]] = {
    "refused": ("leak found", "warning"),
    "waived": ("waived", "warning"),
}
_WORDS = {"refused": "refused", "waived": "waived: no promotion"}


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)
