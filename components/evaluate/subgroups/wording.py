"""What the report says of the groups: tables, paragraphs, sentences for the top of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from components.core.metrics.interval import Interval, number
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.forest import Row, grouped
from components.core.report.section import Notice, Table
from components.evaluate.subgroups.figures import Found, Group


def paragraphs(found: Found, *, level: float, planted: str) -> tuple[str, ...]:
    """Return how to read the tables.

    Args:
        found: the groups.
        level: coverage of a single interval.
        planted: what the synthetic cohort holds, or empty.
    """
    by_chance = found.gaps * (1 - level)
    told = [
        "Each group is compared with everyone else, on the same draws of patients. "
        f"{found.gaps} gaps are looked at; at {100 * level:g} % each, {by_chance:.1f} of them "
        "would exclude 0 by chance alone. So a gap is marked only where its interval still "
        f"excludes 0 at {100 * found.level:.4g} % (Bonferroni's correction, which keeps the chance "
        f"of any false mark below {100 * (1 - level):g} %). Calibration is shown as it is, without "
        "a correction.",
        "A gap need not be the model's fault: where risks lie closer together, as within a narrow "
        "band of age, no model ranks as well.",
    ]
    return (*told, planted) if planted else tuple(told)


def years(columns: Sequence[str], encoder: str) -> str:
    """Return how to read groups by calendar time; empty where there are none.

    Args:
        columns: what the patients were divided by.
        encoder: name of a frozen encoder of texts; empty without one.
    """
    if "period" not in columns:
        return ""
    told = (
        "Period: the years that shifted dates still tell. Figures that fall from group to group "
        "tell of drift."
    )
    if not encoder:
        return told
    return (
        f"{told} Texts are read by '{encoder}', which others trained on texts of theirs: if those "
        "were this hospital's, as those of Clinical-Longformer are (MIMIC-III, patients of 2001 to "
        "2012), it may have read of the patients of these years, and the later groups are the "
        "fairer test."
    )


def ranked(found: Found) -> Table:
    """Return discrimination and gaps of the groups with enough patients of either class."""
    shown = [group for group in found.groups if group.powered]
    oracle = any("oracle_auroc" in group.figures for group in shown)
    header = (
        "Group", "Patients", "Events", "Prevalence", "AUROC",
        *(("Best possible AUROC",) if oracle else ()),
        "AUPRC", "Gap in AUROC", f"Gap at {100 * found.level:.4g} %", "Marked",
    )  # fmt: skip
    rows = tuple(
        (
            *_sizes(group),
            _text(group.figures, "prevalence"),
            _text(group.figures, "auroc"),
            *((_text(group.figures, "oracle_auroc"),) if oracle else ()),
            _text(group.figures, "auprc"),
            _text(group.figures, "auroc_gap"),
            _widened(group),
            _mark(group),
        )
        for group in shown
    )
    note = "Gap: this group minus everyone else. The chance level of the AUPRC is the prevalence."
    return Table("Discrimination by group", header, rows, f"{note}{_unknown(found.unknown)}")


def calibration(found: Found) -> Table:
    """Return calibration of the same groups."""
    header = ("Group", "Patients", "Events", "Observed / expected", "Calibration slope")
    rows = tuple(
        (
            *_sizes(group),
            _text(group.figures, "observed_expected", 2),
            _text(group.figures, "calibration_slope", 2),
        )
        for group in found.groups
        if group.powered
    )
    note = (
        "Observed / expected: 1 is ideal, above 1 the predicted risk is too low. Slope: 1 is "
        "ideal, below 1 the predictions are too extreme."
    )
    return Table("Calibration by group", header, rows, note)


def listed(found: Found) -> Table | None:
    """Return the groups that are too small to be ranked, the interval first; None without any."""
    rows = tuple(
        (*_sizes(group), _range(group.figures.get("auroc")), _range(group.figures.get("auprc")))
        for group in found.groups
        if not group.powered
    )
    header = ("Group", "Patients", "Events", "AUROC anywhere from", "AUPRC anywhere from")
    note = (
        f"Underpowered: fewer than {RARE_PATIENTS} patients with or without the event. Listed, not "
        "ranked, and not among the gaps."
    )
    return Table("Groups too small to be ranked", header, rows, note) if rows else None


def notices(found: Found) -> Iterator[Notice]:
    """Yield a warning per group whose marked gap is below 0."""
    for group in found.groups:
        wide = group.figures.get("auroc_gap_wide")
        if wide is not None and group.marked and wide.hi < 0:
            yield Notice(
                "warning",
                f"AUROC is lower in {group.column} {group.value} than in everyone else: gap "
                f"{group.figures['auroc_gap'].text()}; it stays below 0 at the level widened for "
                f"{found.gaps} gaps.",
            )


def picture(found: Found, everyone: Interval) -> Sequence[Row]:
    """Return the rows of the forest plot: everyone, then the groups under their columns."""
    return grouped(everyone, ((group, group.figures.get("auroc")) for group in found.groups))


def _sizes(group: Group) -> tuple[str, str, str]:
    return (f"{group.column} {group.value}", f"{group.patients:,}", f"{group.events:,}")


def _text(figures: Mapping[str, Interval], name: str, digits: int = 3) -> str:
    return figures[name].text(digits) if name in figures else "not compared"


def _widened(group: Group) -> str:
    if "auroc_gap_wide" in group.figures:
        return _range(group.figures["auroc_gap_wide"], 3)
    return "includes 0" if group.compared else "not compared"


def _range(interval: Interval | None, digits: int = 2) -> str:
    if interval is None:
        return "one class only"
    return f"{number(interval.lo, digits)} to {number(interval.hi, digits)}"


def _mark(group: Group) -> str:
    gap = group.figures.get("auroc_gap")
    if gap is None or not group.marked:
        return ""
    return "lower than the rest" if gap.value < 0 else "higher than the rest"


def _unknown(unknown: Mapping[str, int]) -> str:
    told = [f"{name} of {count:,}" for name, count in unknown.items() if count]
    return f" Not known, and left out there: {', '.join(told)} patients." if told else ""
