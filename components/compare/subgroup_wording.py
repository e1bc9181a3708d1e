"""What is said of the groups: two sentences for the terminal, tables and picture for the page."""

from __future__ import annotations

from collections.abc import Sequence

from components.compare.subgroups import Found, Group
from components.core.comparison.judged import Judged
from components.core.metrics.interval import Interval, number
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.forest import forest, grouped
from components.core.report.section import Plot, Table

# Groups named in a sentence; the table has all.
_NAMED = 3


def where(reference: Judged, other: Judged, found: Found) -> str:
    """Return in which groups one model is better, and whether that is more than elsewhere."""
    powered = [group for group in found.groups if group.powered]
    if not powered:
        return (
            f"On which patients: no group has {RARE_PATIENTS} patients with and {RARE_PATIENTS} "
            "without the event, so none is ranked"
        )
    up = [g for g in powered if g.gap is not None and g.gap.lo > 0]
    down = [g for g in powered if g.gap is not None and g.gap.hi < 0]
    parts = [
        f"{model.letter} is better in {_names(groups)}"
        for model, groups in ((other, up), (reference, down))
        if groups
    ]
    rest = len(powered) - len(up) - len(down)
    if rest:
        parts.append(f"in {rest} of {len(powered)} groups neither is shown to be better")
    return f"On which patients: {'; '.join(parts)}; {_marks(found)}"


def changed(other: Judged, found: Found) -> str:
    """Return in which group most calls change, and whether to right or to wrong."""
    large = [group for group in found.groups if group.patients >= RARE_PATIENTS]
    if not large:
        return f"Changed calls: no group has {RARE_PATIENTS} patients"
    most = max(large, key=lambda group: group.changes.total / group.patients)
    own = most.changes
    return (
        f"Changed calls: the largest share in {most.name}, {own.total:,} of {most.patients:,} "
        f"patients ({number(100 * own.total / most.patients, 1)} %); there {other.letter} puts "
        f"{own.events_right:,} with and {own.rest_right:,} without the event right, "
        f"{own.events_wrong:,} and {own.rest_wrong:,} wrong"
    )


def paragraph(reference: Judged, found: Found) -> str:
    """Return how to read the tables."""
    return (
        f"Each model minus {reference.letter} on the patients of one group, paired. The last two "
        "columns ask whether the models differ there otherwise than in everyone else; "
        f"comparisons made: {found.comparisons}, of which one is marked only where its interval "
        f"still excludes 0 at {100 * found.level:.4g} % (Bonferroni's correction). The differences "
        "themselves are not corrected for their number."
    )


def ranked(reference: Judged, other: Judged, found: Found) -> Table:
    """Return the difference in the groups with enough patients of either class."""
    header = ("Group", "Patients", "Events", "Prevalence", "Difference in AUROC",
              "Minus everyone else's", "Marked")  # fmt: skip
    rows = tuple(
        (*_sizes(g), f"{number(100 * g.events / g.patients, 1)} %", _text(g.gap), _text(g.beyond),
         _mark(g))
        for g in found.groups
        if g.powered
    )  # fmt: skip
    note = "Prevalence is the plain share with the event, without weights for censoring."
    return Table(f"{other.letter} minus {reference.letter} by group", header, rows, note)


def listed(found: Found) -> Table:
    """Return the groups that are too small to be ranked, the interval alone."""
    rows = tuple((*_sizes(g), _range(g.gap)) for g in found.groups if not g.powered)
    note = (
        f"Underpowered: fewer than {RARE_PATIENTS} patients with or without the event. Listed, not "
        "ranked."
    )
    header = ("Group", "Patients", "Events", "Difference in AUROC anywhere from")
    return Table("Groups too small to be ranked", header, rows, note)


def changes(reference: Judged, other: Judged, found: Found) -> Table:
    """Return the changed calls of every group."""
    header = ("Group", "Patients", "Events", "Changed", "Put right, with event",
              "Put wrong, with event", "Put right, without", "Put wrong, without")  # fmt: skip
    rows = tuple(
        (*_sizes(g), f"{c.total:,}", f"{c.events_right:,}", f"{c.events_wrong:,}",
         f"{c.rest_right:,}", f"{c.rest_wrong:,}")
        for g in found.groups
        for c in (g.changes,)
    )  # fmt: skip
    note = f"From {reference.letter} to {other.letter}, each at its own threshold."
    title = f"{other.letter} against {reference.letter}: changed calls by group"
    return Table(title, header, rows, note)


def picture(reference: Judged, other: Judged, found: Found, everyone: Interval) -> Plot:
    """Return the differences as a forest plot: everyone, then the groups under their columns."""
    title = f"AUROC: {other.letter} minus {reference.letter} (events of patients)"
    rows = grouped(everyone, ((group, group.gap) for group in found.groups))
    svg = forest(rows, title=title, line=everyone.value, chance=0.0)
    alt = f"{title}, in everyone and in each group. The figures are in the tables."
    return Plot(name=f"groups_{other.letter}", svg=svg, alt=alt, wide=True)


def _names(groups: Sequence[Group]) -> str:
    """Return the groups with the largest differences first, each with its interval and size."""
    ordered = sorted(groups, key=lambda g: -abs(g.gap.value) if g.gap is not None else 0.0)
    named = [
        f"{g.name} ({_text(g.gap)}, {g.events:,} events of {g.patients:,})"
        for g in ordered[:_NAMED]
    ]
    more = len(ordered) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _marks(found: Found) -> str:
    marked = [group.name for group in found.groups if group.marked]
    if not found.comparisons:
        return "no group can be held against everyone else"
    said = f"otherwise than in everyone else: {', '.join(marked)}" if marked else (
        "in no group is the difference shown to be another than in everyone else"
    )  # fmt: skip
    count = found.comparisons
    return f"{said} ({'1 comparison' if count == 1 else f'{count} comparisons, corrected for'})"


def _sizes(group: Group) -> tuple[str, str, str]:
    return (group.name, f"{group.patients:,}", f"{group.events:,}")


def _text(interval: Interval | None) -> str:
    return "not compared" if interval is None else interval.text()


def _range(interval: Interval | None) -> str:
    if interval is None:
        return "one class only"
    return f"{number(interval.lo, 2)} to {number(interval.hi, 2)}"


def _mark(group: Group) -> str:
    if not group.marked or group.beyond is None:
        return ""
    return "higher than in the rest" if group.beyond.value > 0 else "lower than in the rest"
