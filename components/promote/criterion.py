"""A criterion of the gate, what it may look at, and the criteria found in `criteria/`.

A criterion is a module with `NAME`, `ORDER` (place in the table), `applies(case)` and
`judge(case)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Protocol, cast

from components.core.comparison.judged import Judged
from components.core.discovery import in_order
from components.core.logged_model import Logged
from components.promote import criteria as package
from components.promote.gate import Gate


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """What one criterion came to.

    Attributes:
        name: of the criterion.
        passed: it is met.
        blocking: unmet, it refuses the candidate.
        sentence: why, with the figures and bounds.
        numbers: for the tracking store; NaN is left out there.
    """

    name: str
    passed: bool
    sentence: str
    blocking: bool = True
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def outcome(self) -> str:
        """Return the outcome in one word."""
        if not self.blocking:
            return "info"
        return "passed" if self.passed else "failed"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The version that is to become champion.

    Attributes:
        version: its number.
        judged: its evaluation.
        logged: what the registry holds of it.
        looks: how often its test split has been opened.
    """

    version: str
    judged: Judged
    logged: Logged
    looks: int


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The version in use.

    Attributes:
        version: its number.
        judged: its evaluation.
    """

    version: str
    judged: Judged


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a criterion may look at.

    Attributes:
        candidate: to be promoted.
        champion: in use; None for the first.
        gate: the numbers that decide.
    """

    candidate: Candidate
    champion: Champion | None
    gate: Gate


class CriterionFile(Protocol):
    """The interface of a module in `criteria/`."""

    NAME: str
    ORDER: int

    def applies(self, case: Case) -> bool:
        """Return whether the criterion has anything to judge."""
        ...

    def judge(self, case: Case) -> Criterion:
        """Return what it came to."""
        ...


@cache
def all_criteria() -> MappingProxyType[str, CriterionFile]:
    """Return every criterion by name, in the table's order.

    Raises:
        CardioError: two of the same name.
    """
    found = in_order(package, kind="criteria")
    return cast(MappingProxyType[str, CriterionFile], found)
