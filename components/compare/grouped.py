"""The groups of all pairs of a comparison, as sections, sentences and rows of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from components.compare import subgroup_wording as wording
from components.compare.subgroups import Found
from components.core.comparison.judged import Judged
from components.core.metrics.interval import Interval
from components.core.report.section import Section, Table

NOT_KEPT = (
    "Not broken down by group: the evaluation of {letter} kept no groups, as those of an older "
    "version; run it again."
)
NO_COLUMN = (
    "Not broken down by group: the data bring no column to divide by; `evaluate.subgroups.columns` "
    "names some."
)


def section(
    reference: Judged, others: Mapping[str, Judged], found: Mapping[str, Found],
    everyone: Mapping[str, Interval], reason: str,
) -> Section:  # fmt: skip
    """Return the section on groups.

    Args:
        reference: the first model.
        others: letter → model.
        found: letter → groups; empty where there are none.
        everyone: letter → difference over all patients.
        reason: why there are none.
    """
    title = "On which patients?"
    if reason:
        return Section(name="groups", title=title, text=(reason,))
    tables: list[Table] = []
    for letter, own in found.items():
        pair = (reference, others[letter], own)
        made = (wording.ranked(*pair), wording.listed(own), wording.changes(*pair))
        tables += [table for table in made if table.rows]
    first = next(iter(found.values()))
    return Section(
        name="groups", title=title, text=(wording.paragraph(reference, first),),
        tables=tuple(tables),
        plots=tuple(
            wording.picture(reference, others[letter], own, everyone[letter])
            for letter, own in found.items()
        ),
    )  # fmt: skip


def sentences(reference: Judged, other: Judged, found: Found) -> list[str]:
    """Return the two sentences on a pair."""
    return [
        wording.where(reference, other, found),
        wording.changed(other, found),
    ]


def figures(letter: str, found: Found) -> dict[str, Interval]:
    """Return the differences of powered groups that have a name in the tracking store."""
    return {
        f"compare/{letter}/subgroup/{group.column}/{group.key}/auroc_diff": group.gap
        for group in found.groups
        if group.key and group.powered and group.gap is not None
    }


def plain(found: Found) -> dict[str, Any]:
    """Return the groups as JSON values."""
    return {
        "comparisons": found.comparisons,
        "level": found.level,
        "groups": [asdict(group) | {"marked": group.marked} for group in found.groups],
    }
