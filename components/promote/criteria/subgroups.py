"""No group of patients is ranked badly, or much worse than by the champion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from components.core.comparison.judged import Judged
from components.core.metrics.interval import number
from components.promote.criterion import Case, Criterion

NAME = "subgroups"
ORDER = 80
_AUROC = re.compile(r"subgroup/(.+)/auroc$")


def applies(case: Case) -> bool:
    """Return True: a skipped analysis is a reason to refuse."""
    return bool(case.candidate.judged.figures)


def judge(case: Case) -> Criterion:
    """Return whether every group with enough events has an AUROC above the floor and no great fall.

    Groups are those that the evaluation ranks: at least 20 patients with and without the event.
    """
    judged, config = case.candidate.judged, case.gate.subgroups
    own = _groups(judged, config.min_events)
    before = _before(case)
    worst = min(own.values(), default=float("nan"))
    falls = {name: before[name] - own[name] for name in before if name in own}
    largest = max(falls.values(), default=float("nan"))
    failures = [*_skipped(judged), *_unjudged(before, own), *_low(own, config.floor)]
    failures += [
        f"{name} falls by {number(fall)} (at most {config.largest_fall:g})"
        for name, fall in falls.items()
        if not fall <= config.largest_fall
    ]
    return Criterion(
        name=NAME,
        passed=not failures,
        sentence="; ".join(failures) or _fine(own, worst, falls, largest),
        numbers={"groups": float(len(own)), "lowest": worst, "largest_fall": largest},
    )


def _before(case: Case) -> dict[str, float]:
    """Return the champion's groups; empty where it was judged on other patients."""
    if case.champion is None or case.champion.judged.test_split != case.candidate.judged.test_split:
        return {}
    return _groups(case.champion.judged, case.gate.subgroups.min_events)


def _groups(judged: Judged, min_events: int) -> dict[str, float]:
    """Return group → AUROC, of the groups with enough events."""
    found = {
        match[1]: interval.value
        for name, interval in judged.figures.items()
        if (match := _AUROC.match(name))
    }
    events = {name: judged.figures[f"subgroup/{name}/events"].value for name in found}
    return {name: value for name, value in found.items() if events[name] >= min_events}


def _skipped(judged: Judged) -> Iterator[str]:
    config: dict[str, Any] = judged.stage.config.get("evaluate", {})
    if NAME in config.get("skip", ()):
        yield "the evaluation left subgroups out (evaluate.skip); evaluate with them"


def _unjudged(before: dict[str, float], own: dict[str, float]) -> Iterator[str]:
    absent = sorted(set(before) - set(own))
    if absent:
        yield (
            f"the champion was judged in {', '.join(absent)}, the candidate was not; evaluate it "
            "with the champion's evaluate.subgroups"
        )


def _low(own: dict[str, float], floor: float) -> Iterator[str]:
    for name, value in own.items():
        if not value >= floor:
            yield f"AUROC {number(value)} in {name} (at least {floor:g})"


def _fine(own: dict[str, float], worst: float, falls: dict[str, float], largest: float) -> str:
    if not own:
        return "no group has enough events to be judged"
    against = f", largest fall {number(largest)}" if falls else ""
    return f"{len(own)} group(s), lowest AUROC {number(worst)}{against}"
