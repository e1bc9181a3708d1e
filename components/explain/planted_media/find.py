"""From an explanation and the planted truth to the section that compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.metrics.resampling import Plan
from components.core.report.section import Plot, Section
from components.core.upstream import Upstream
from components.explain.cohort import whole
from components.explain.explained import Explained
from components.explain.faithfulness.examine import Checked
from components.explain.planted_media.facts import facts_of, planted
from components.explain.planted_media.marks import Marks, marks_of
from components.explain.planted_media.networks import taught_sums, told_of
from components.explain.planted_media.order import Order, order_of, planted_sizes, unknown_units
from components.explain.planted_media.section import section
from components.explain.planted_media.shares import Share, shares
from components.explain.planted_media.views import plots_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What is looked for.

    Attributes:
        truth: content of truth.json.
        marks: of each fold, where it lies.
    """

    truth: Mapping[str, Any]
    marks: Sequence[Marks]


def search(explained: Explained, behind: Upstream) -> Search | None:
    """Return what was planted in the explained records; None without pictures, sounds or truth."""
    if not explained.folds[0].subject.arrays:
        return None
    truth = planted(behind.ingest)
    if truth is None:
        return None
    marks = [
        marks_of(fold.subject, facts_of(fold.subject, truth, behind.ingest), truth)
        for fold in explained.folds
    ]
    return Search(truth=truth, marks=marks)


def planted_media_section(
    folder: Path,
    explained: Explained,
    wanted: Search,
    *,
    checked: Sequence[Checked],
    behind: Upstream,
    controls: Sequence[Upstream],
    plan: Plan,
) -> Section:
    """Return the section.

    Args:
        folder: the workspace, with the merged traces.
        explained: what all methods said.
        wanted: what is looked for.
        checked: the checks of each method, drawn networks measured.
        behind: the stages behind the model.
        controls: those behind trainings on shuffled labels.
        plan: of every interval.
    """
    taught = taught_sums(explained, behind, controls, wanted.marks)
    found: dict[str, dict[str, Share]] = {}
    for each in checked:
        told = told_of(
            folder, explained, wanted.marks, checked=each, taught=taught.get(each.method, ())
        )
        for place, share in shares(told, plan).items():
            found.setdefault(place, {})[each.method] = share
    unknown = unknown_units(wanted.truth)
    encoders = [fold.subject.rows.stats.tabular for fold in explained.folds]
    sizes = {} if unknown else planted_sizes(wanted.truth, encoders)
    return section(
        found,
        {} if unknown else _orders(explained, sizes, plan),
        sizes=sizes,
        titles={each.NAME: each.TITLE for each in explained.methods},
        plots=_plots(folder, explained, wanted),
        unknown=unknown,
    )


def _orders(explained: Explained, sizes: Mapping[str, float], plan: Plan) -> dict[str, Order]:
    found: dict[str, Order] = {}
    for method in explained.methods:
        said, records = whole(explained, method)
        own = said.grouped.get("variable")
        if own is not None and own.names:
            patients = records["patient_id"].to_numpy(object)
            found[method.NAME] = order_of(own, sizes, patients=patients, plan=plan)
    return found


def _plots(folder: Path, explained: Explained, wanted: Search) -> tuple[Plot, ...]:
    return plots_of(folder, explained, wanted.marks, wanted.truth)
