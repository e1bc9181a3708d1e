"""Whether the explanation can be trusted: the checks of each method, and the planted truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.metrics.resampling import Plan
from components.core.planted_truth import truth_summary
from components.core.progress import Advance, progress
from components.core.report.section import Section
from components.core.upstream import Upstream
from components.explain import planted, planted_section
from components.explain.cohort import whole
from components.explain.control_subjects import control_subjects
from components.explain.explained import Explained
from components.explain.faithfulness.examine import Checked, examine, joined
from components.explain.faithfulness.section import section
from components.explain.joined import joined as joined_lots
from components.explain.lots import lots
from components.explain.method import Attributed, Method
from components.explain.subject import Subject

# The methods whose cells are compared with what was planted.
PLANTED_METHODS = ("ig", "ablation")


def check_sections(
    explained: Explained, behind: Upstream, controls: Sequence[Upstream], plan: Plan
) -> tuple[Section, ...]:
    """Return the sections that stand first: faithfulness, and the planted truth where there is one.

    Args:
        explained: what all methods said.
        behind: the stages behind the model.
        controls: those behind trainings on shuffled labels.
        plan: of every interval.
    """
    checked: list[Checked] = []
    with progress("explain: checks", len(explained.methods), "methods") as advance:
        for method in explained.methods:
            folds = [fold for fold in explained.folds if method.NAME in fold.said]
            checked.append(
                joined([
                    examine(fold.subject, method, fold.said[method.NAME], explained.config)
                    for fold in folds
                ])
            )  # fmt: skip
            advance(1)
    found = [section(checked, plan)]
    truth = truth_summary(behind.ingest)
    leads = explained.folds[0].subject.leads
    if truth is not None and leads:
        found += _planted(explained, behind, controls, plan, planted.place(truth, leads))
    return tuple(found)


def _planted(
    explained: Explained,
    behind: Upstream,
    controls: Sequence[Upstream],
    plan: Plan,
    where: planted.Place,
) -> list[Section]:
    methods = [each for each in explained.methods if each.NAME in PLANTED_METHODS]
    if not methods:
        return []
    taught = [control_subjects(fold.subject, behind, controls) for fold in explained.folds]
    located: dict[str, planted.Located] = {}
    for method in methods:
        said, records = whole(explained, method)
        located[method.NAME] = planted.located(
            said.grouped["lead_segment"],
            _networks(taught, method, explained.config),
            where=where,
            patients=records["patient_id"].to_numpy(str),
            plan=plan,
        )
    subjects = [fold.subject for fold in explained.folds]
    segments = np.concatenate([s.segments for s in subjects if s.segments is not None])
    titles = {each.NAME: each.TITLE for each in methods}
    area = where.area(segments)
    return [planted_section.section(located, titles=titles, where=where, area=area)]


def _networks(
    taught: Sequence[Sequence[Subject]], method: Method, config: ExplainConfig
) -> list[Grouped]:
    """Return the cells of each control network, the records of all folds one after the other.

    With folds a control network has a twin in each: together they are one.
    """
    total = sum(len(subject) for own in taught for subject in own)
    if not total:
        return []
    with progress(f"explain: controls by {method.NAME}", total, "records") as advance:
        by_fold = [[_cells(each, method, config, advance) for each in own] for own in taught]
    return [
        replace(each[0], values=np.concatenate([cells.values for cells in each]))
        for each in zip(*by_fold, strict=True)
    ]


def _cells(subject: Subject, method: Method, config: ExplainConfig, advance: Advance) -> Grouped:
    parts: list[Attributed] = []
    for lot in lots(np.arange(len(subject))):
        parts.append(method.explain(subject, lot, config))
        advance(len(lot))
    return joined_lots(parts).grouped["lead_segment"]
