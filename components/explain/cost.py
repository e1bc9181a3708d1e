"""What an explanation will take, measured on this machine before it begins."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.config.explain import ExplainConfig
from components.core.modalities import EVENTS
from components.core.progress import duration
from components.core.store import Stage
from components.core.trained import members_of
from components.explain.against_controls import run_again
from components.explain.faithfulness import examine
from components.explain.method import Method
from components.explain.sequences import interactions
from components.explain.subject import Subject

# As many records are timed at once: the methods, too, ask for several at a time.
_TIMED = 16
# The first pass pays for memory and kernels; of the others the middle one counts.
_REPEATS = 3


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a method will take, or what is done beside the methods.

    Attributes:
        name: of the method.
        title: in words.
        method: whether it is one.
        passes: forward passes of one network for one record; a backward pass counts two.
        seconds: over all records and networks.
    """

    name: str
    title: str
    passes: float
    seconds: float
    method: bool = True


def seconds_per_pass(subject: Subject) -> float:
    """Return how long one forward pass of one network takes per record, in batches."""
    index = np.arange(min(_TIMED, len(subject)))
    batch = subject.batch(index)
    subject.log_odds(batch)
    taken: list[float] = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        subject.log_odds(batch)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) / (len(index) * len(subject.target.models))


def costs(
    subjects: Sequence[Subject],
    methods: Sequence[Method],
    config: ExplainConfig,
    *,
    controls: Sequence[Stage] = (),
) -> list[Cost]:
    """Return what each method will take on all subjects, then the checks of them all, and controls.

    Args:
        subjects: one at least; the first is timed, the others' networks being of its kind.
        methods: to be run.
        config: settings of the methods.
        controls: trainings on shuffled labels, of networks of the same kind.
    """
    each = seconds_per_pass(subjects[0])
    own = [
        Cost(
            name=method.NAME,
            title=method.TITLE,
            passes=method.passes(subjects[0], config),
            seconds=each
            * sum(method.passes(s, config) * len(s) * len(s.target.models) for s in subjects),
        )
        for method in methods
    ]
    beside = [_checks(subjects, methods, config, each)]
    if EVENTS in subjects[0].inputs:
        beside.append(_interactions(subjects, each))
    if controls:
        beside.append(_controls(subjects, methods, config, controls, each))
    return [*own, *beside]


def _checks(
    subjects: Sequence[Subject], methods: Sequence[Method], config: ExplainConfig, each: float
) -> Cost:
    """Return what the checks of all methods will take."""
    total = sum(
        examine.passes(subject, method.passes(subject, config), config)
        for subject in subjects
        for method in methods
    )
    records = sum(len(subject) * len(subject.target.models) for subject in subjects)
    return Cost(
        name="checks",
        title="whether to trust them",
        passes=total / records,
        seconds=each * total,
        method=False,
    )


def _interactions(subjects: Sequence[Subject], each: float) -> Cost:
    """Return what groups of events taken out in pairs will take."""
    passes = interactions.passes(subjects[0])
    asked = sum(len(subject) * len(subject.target.models) for subject in subjects)
    return Cost(
        name="interactions",
        title="what groups of events do together",
        passes=passes,
        seconds=each * asked * passes,
        method=False,
    )


def _controls(
    subjects: Sequence[Subject],
    methods: Sequence[Method],
    config: ExplainConfig,
    controls: Sequence[Stage],
    each: float,
) -> Cost:
    """Return what the control networks will take, each by itself on all records."""
    again = [method for method in methods if method.NAME in run_again(subjects[0])]
    asked = {s.fold: len(s) * sum(len(members_of(c, s.fold)) for c in controls) for s in subjects}
    total = sum(
        asked[subject.fold] * method.passes(subject, config)
        for subject in subjects
        for method in again
    )
    return Cost(
        name="controls",
        title="what networks taught shuffled labels say",
        passes=total / max(sum(asked.values()), 1),
        seconds=each * total,
        method=False,
    )


def lines(found: Sequence[Cost], records: int, left_out: Mapping[str, str]) -> list[str]:
    """Return what the terminal says before the work begins.

    Args:
        found: one at least.
        records: to be explained.
        left_out: methods that do not fit, and why.
    """
    width = max(len(cost.name) for cost in found)
    rows = [
        f"  {cost.name:<{width}}  {cost.title}: {cost.passes:,.0f} passes a record, about "
        f"{duration(cost.seconds)}"
        for cost in found
    ]
    methods = sum(cost.method for cost in found)
    total = duration(sum(cost.seconds for cost in found))
    return [
        f"explain: {records:,} records by {methods} method(s), about {total}:",
        *rows,
        *[f"  left out: {name}, {why}" for name, why in left_out.items()],
    ]
