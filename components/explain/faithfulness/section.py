"""The section of the report that says whether the explanations can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from components.core.attribution.groups import KIND_NAMES
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.modalities import enumerated, listed
from components.core.report.section import Notice, Plot, Section, Table
from components.explain.faithfulness import completeness, deletion, randomisation, stability
from components.explain.faithfulness.agreement import FEWEST
from components.explain.faithfulness.completeness import NOTICEABLE
from components.explain.faithfulness.deletion import Curves
from components.explain.faithfulness.examine import Checked
from components.explain.faithfulness.parts import PART, split
from components.explain.faithfulness.plots import curves_plot
from components.explain.faithfulness.randomisation import COLLAPSED

# Figure → its row.
_ROWS = {
    "deletion_gain": "deletion, gain over random",
    "insertion_gain": "insertion, gain over random",
    "agreement": "agreement with drawn networks",
    "cohort_agreement": "same, of cohort means",
    "stability": "agreement under noise",
    "relative_change": "relative change under noise",
    "completeness_error": "completeness error",
    "completeness_above": f"share above {100 * NOTICEABLE:.0f} %",
}
# As one of several kinds of groups.
_WHOLE = {**KIND_NAMES, "modality": "whole inputs"}
# Of records that lack what is removed; others have fewer than two groups.
_LACKING: dict[str, str] = dict.fromkeys(("lead_segment", "segment"), "without a beat")
_PARTS = (
    "What is removed, put back and compared are the parts of all inputs together, the finest that "
    "a method tells of each."
)
_TEXT = (
    "Deletion and insertion: groups are set to the baseline (events are taken out of the "
    "sequence), or put back, in the order of their signed attribution; the gain is the area "
    "between the curve and that of random order, as a share of the mean change by removing "
    "everything. Above 0 the explanation knows better than chance what the answer rests on.",
    "Agreement with drawn networks: Spearman correlation over the groups with the explanation of "
    "networks of the same architecture whose parameters were drawn anew; its magnitude for each of "
    "them, since their sign is chance, then the mean. An explanation of what was learned must "
    f"not agree: below {COLLAPSED} it has collapsed.",
)
_COMPLETENESS = (
    "Completeness: what the attributions leave unexplained, as a share of the median change by "
    "removing everything."
)


def section(results: Sequence[Checked], plan: Plan) -> Section:
    """Return the section.

    Figures are named `<figure>/<method>`, figures as in `_ROWS`.

    Args:
        results: one per method, folds joined, in the page's order.
        plan: of every interval.
    """
    found = {each.method: figures(each, plan) for each in results}
    plots = [_plot(each, plan) for each in results]
    return Section(
        name="faithfulness",
        title="Are the explanations true of the model?",
        text=(
            *_TEXT,
            f"{_noise(results)}{_COMPLETENESS}",
            *([_PARTS] if any(each.kind == PART for each in results) else []),
            *_compared(results),
        ),
        tables=(_table(results, found),),
        plots=tuple(plot for plot in plots if plot is not None),
        notices=tuple(notice for each in results for notice in _notices(each, found[each.method])),
        figures={
            f"{name}/{method}": interval
            for method, own in found.items()
            for name, interval in own.items()
        },
    )


def figures(found: Checked, plan: Plan) -> dict[str, Interval]:
    """Return every figure of one method, without those that it cannot have."""
    told: dict[str, Interval] = {}
    if found.curves is not None:
        told |= deletion.gains(found.curves, plan)
    if found.randomised is not None:
        told |= randomisation.agreements(found.randomised, plan)
    if found.stability is not None:
        told |= stability.figures(found.stability, plan)
    if found.completeness is not None:
        told |= completeness.figures(found.completeness, plan)
    return told


def _table(results: Sequence[Checked], found: Mapping[str, Mapping[str, Interval]]) -> Table:
    shown = [name for name in _ROWS if any(name in own for own in found.values())]
    rows = tuple(
        (_ROWS[name], *(_cell(found[each.method].get(name)) for each in results)) for name in shown
    )
    header = ("check", *(each.title for each in results))
    note = "95 % intervals by bootstrap over patients; — where a method has no such figure."
    return Table("Faithfulness of each method", header, rows, note)


def _cell(interval: Interval | None) -> str:
    return "—" if interval is None else interval.text(2)


def _compared(results: Sequence[Checked]) -> tuple[str, ...]:
    """Return on what the methods were compared, and how many records could not be."""
    told: list[str] = []
    for each in results:
        if each.curves is None:
            told.append(f"{each.title}: no two groups to be removed, so no curves.")
            continue
        size, curves = len(each.curves.patients), each.curves
        lacking = _LACKING.get(each.kind, "with fewer than two groups")
        left = f", {curves.left_out} {lacking} left out" if curves.left_out else ""
        told.append(f"{each.title}: {_groups(curves)}, {size:,} records{left}.")
    return tuple(told)


def _groups(curves: Curves) -> str:
    """Return how many groups of which kinds were removed."""
    words = KIND_NAMES.get(curves.kind) or enumerated(
        dict.fromkeys(_WHOLE[kind] for kind, _ in split(curves.names))
    )
    return f"{len(curves.names)} {words}"


def _noise(results: Sequence[Checked]) -> str:
    """Return what the noise was on; nothing where no method bore any."""
    names = [name for each in results if each.stability for name in each.stability.inputs]
    if not names:
        return ""
    return (
        "Agreement under noise: the same with white noise on what was recorded of "
        f"{listed(names)}, in shares of the SD of each lead, channel or entry; it should change "
        "little. "
    )


def _plot(found: Checked, plan: Plan) -> Plot | None:
    if found.curves is None:
        return None
    return Plot(
        name=f"faithfulness_{found.method}",
        svg=curves_plot(found.curves, plan, title=found.title),
        alt=f"{found.title}: deletion and insertion curves with 95 % bands against random order",
        wide=True,
    )


def _notices(found: Checked, told: Mapping[str, Interval]) -> list[Notice]:
    every = (_of_agreement(found, told.get("agreement")), _of_order(found, told))
    return [notice for notice in every if notice is not None]


def _of_agreement(found: Checked, agreement: Interval | None) -> Notice | None:
    if agreement is None or agreement.value < COLLAPSED:
        return None
    if math.isnan(agreement.value):
        return Notice(
            "note",
            f"{found.title}: whether it agrees with networks that learned nothing cannot be "
            f"judged: fewer than {FEWEST} groups that differ in every record.",
        )
    return Notice(
        "warning",
        f"{found.title} agrees with networks that learned nothing (Spearman "
        f"{agreement.text(2)} either way, where below {COLLAPSED} is asked for): it shows the "
        "input rather than the model.",
    )


def _of_order(found: Checked, told: Mapping[str, Interval]) -> Notice | None:
    bounds = [told[name].lo for name in ("deletion_gain", "insertion_gain") if name in told]
    if any(bound <= 0 for bound in bounds):
        return Notice(
            "warning",
            f"{found.title} does not name what the answer rests on better than a random order "
            "does, by deletion or by insertion.",
        )
    if any(math.isnan(bound) for bound in bounds):
        return Notice(
            "note",
            f"{found.title}: whether it knows better than a random order cannot be judged: too "
            "few records whose answer changes when everything is removed.",
        )
    return None
