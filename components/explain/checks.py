"""Whether the explanation can be trusted: the checks of each method, controls, planted truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.core.metrics.resampling import Plan
from components.core.planted_truth import truth_summary
from components.core.progress import progress
from components.core.report.section import Section
from components.core.upstream import Upstream
from components.explain import planted, planted_section, segment_shares
from components.explain.against_controls import Compared, compared
from components.explain.explained import Explained
from components.explain.faithfulness.examine import Checked, examine, joined
from components.explain.faithfulness.section import section
from components.explain.planted_embeddings.find import planted_embeddings_sections
from components.explain.planted_events.find import planted_events_sections
from components.explain.planted_media.find import Search, planted_media_section, search


def check_sections(
    folder: Path,
    explained: Explained,
    behind: Upstream,
    controls: Sequence[Upstream],
    plan: Plan,
) -> tuple[Section, ...]:
    """Return the sections that stand first: faithfulness, controls, and what was planted.

    Args:
        folder: the workspace, with the merged traces.
        explained: what all methods said.
        behind: the stages behind the model.
        controls: those behind trainings on shuffled labels.
        plan: of every interval.
    """
    wanted = search(explained, behind)
    checked = _checked(explained, wanted)
    found = [section(checked, plan), *_of_leads(explained, behind, controls, plan)]
    if wanted is not None:
        found.append(
            planted_media_section(
                folder, explained, wanted, checked=checked, behind=behind, controls=controls,
                plan=plan,
            )
        )  # fmt: skip
    found += planted_embeddings_sections(folder, explained, behind, plan)
    found += planted_events_sections(folder, explained, behind, controls, plan)
    return tuple(found)


def _of_leads(
    explained: Explained, behind: Upstream, controls: Sequence[Upstream], plan: Plan
) -> list[Section]:
    """Return what leads × segments are compared with, nothing without an ECG."""
    truth = truth_summary(behind.ingest)
    leads = explained.folds[0].subject.leads
    if not leads or (truth is None and not controls):
        return []
    found: list[Section] = []
    cells = compared(explained, behind, controls)
    if cells and controls:
        found.append(segment_shares.section(cells, leads, plan))
    if cells and truth is not None:
        found.append(_planted(explained, cells, truth, plan))
    return found


def _checked(explained: Explained, wanted: Search | None) -> list[Checked]:
    checked: list[Checked] = []
    with progress("explain: checks", len(explained.methods), "methods") as advance:
        for method in explained.methods:
            each = [
                examine(
                    fold.subject, method, fold.said[method.NAME], explained.config,
                    measure=None if wanted is None else wanted.marks[number].measure,
                )
                for number, fold in enumerate(explained.folds)
                if method.NAME in fold.said
            ]  # fmt: skip
            checked.append(joined(each))
            advance(1)
    return checked


def _planted(
    explained: Explained, cells: Sequence[Compared], truth: Mapping[str, Any], plan: Plan
) -> Section:
    subjects = [fold.subject for fold in explained.folds]
    leads = subjects[0].leads
    unknown = planted.unknown_leads(truth, leads)
    if unknown:  # at the end of a long run: what is known without the truth is told
        return planted_section.without_truth(unknown, truth["ecg"]["signal_share"])
    where = planted.place(truth, leads)
    located = {each.method: each.located(where, plan) for each in cells}
    segments = np.concatenate([s.segments for s in subjects if s.segments is not None])
    titles = {each.method: each.title for each in cells}
    area = where.area(segments)
    return planted_section.section(located, titles=titles, where=where, area=area)
