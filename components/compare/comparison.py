"""What a comparison comes to, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from components.compare import grouped, wording
from components.compare.flips import Flips, flips
from components.compare.subgroups import Found, by_group
from components.core.comparison.groups import read_groups
from components.core.comparison.judged import Judged, why_unpaired
from components.core.comparison.paired import paired
from components.core.metrics.tables import Figures


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        models: in the order given; the first is what the others are compared with.
        unpaired: why the patients cannot be paired; empty where they can.
        differences: letter → that model's figures minus the first's.
        flips: letter → whom it calls otherwise than the first.
        groups: letter → its differences to the first in groups of patients.
        ungrouped: why there are none; empty where there are.
    """

    models: Sequence[Judged]
    unpaired: str
    differences: dict[str, Figures] = field(default_factory=dict[str, Figures])
    flips: dict[str, Flips] = field(default_factory=dict[str, Flips])
    groups: dict[str, Found] = field(default_factory=dict[str, Found])
    ungrouped: str = ""

    def verdicts(self) -> list[str]:
        """Return the first lines."""
        if self.unpaired:
            return [wording.unpaired(self.models, self.unpaired)]
        first, *others = self.models
        found: list[str] = []
        for m in others:
            gap, moved = self.differences[m.letter], self.flips[m.letter]
            found.append(wording.verdict(first, m, gap, moved))
            if m.letter in self.groups:
                found += grouped.sentences(first, m, self.groups[m.letter])
        return [*found, self.ungrouped] if self.ungrouped else found


def compared(models: Sequence[Judged]) -> Comparison:
    """Return differences, changed calls and groups of models, or why they cannot be paired."""
    reason = why_unpaired(models)
    if reason:
        return Comparison(models=models, unpaired=reason)
    first, *others = models
    groups = read_groups(first.stage.folder)
    ungrouped = ""
    if groups is None:
        ungrouped = grouped.NOT_KEPT.format(letter=first.letter)
    elif groups.empty:
        ungrouped = grouped.NO_COLUMN
    found = {} if ungrouped or groups is None else {
        m.letter: by_group(first, m, groups, first.plan) for m in others
    }  # fmt: skip
    return Comparison(
        models=models,
        unpaired="",
        differences={m.letter: paired(first, m, first.plan) for m in others},
        flips={m.letter: flips(first, m, first.plan) for m in others},
        groups=found,
        ungrouped=ungrouped,
    )
