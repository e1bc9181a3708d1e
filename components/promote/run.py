"""Every criterion of the gate, and what they come to. Plain functions: no MLflow, no click."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from components.core.errors import shorten
from components.promote.criterion import Candidate, Case, Champion, Criterion, all_criteria
from components.promote.gate import Gate

# Of a version's tag: the sentence in short; the whole one is in gate.json.
_TAG_LENGTH = 300
NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says of a candidate.

    Attributes:
        model: registered name.
        version: number of the candidate.
        champion: number of the version that it was judged against; empty for the first.
        test_split: hash of the split or fold assignment that it was judged on.
        evaluation: fingerprint of its evaluation.
        criteria: in the table's order.
        gate: the numbers that decided.
    """

    model: str
    version: str
    champion: str
    test_split: str
    evaluation: str
    criteria: tuple[Criterion, ...]
    gate: Gate

    @property
    def failed(self) -> tuple[Criterion, ...]:
        """Return the criteria that refuse the candidate."""
        return tuple(each for each in self.criteria if each.blocking and not each.passed)

    @property
    def promoted(self) -> bool:
        """Return whether every blocking criterion is met."""
        return not self.failed

    @property
    def sentence(self) -> str:
        """Return the decision in one sentence."""
        against = f"version {self.champion}, the champion" if self.champion else "no champion yet"
        if self.promoted:
            return f"{self.model} version {self.version} meets every criterion; judged: {against}"
        reasons = "; ".join(f"{each.name}: {each.sentence}" for each in self.failed)
        return f"{self.model} version {self.version} is refused (judged: {against}): {reasons}"

    def tags(self) -> dict[str, str]:
        """Return what the model version carries of it, without the outcome itself.

        Criteria that did not apply are among them: an earlier verdict may have left its word there.
        """
        found = {f"gate.{name}": NOT_APPLICABLE for name in all_criteria()} | {
            f"gate.{each.name}": shorten(f"{each.outcome}: {each.sentence}", _TAG_LENGTH)
            for each in self.criteria
        }
        return found | {
            "gate.champion": self.champion or "none",
            "gate.test_split": self.test_split,
        }

    def metrics(self) -> dict[str, float]:
        """Return every number under its name in the tracking store."""
        return {
            f"promote/{each.name}/{key}": value
            for each in self.criteria
            for key, value in each.numbers.items()
        }

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON values; an undefined number is null."""
        return {
            "model": self.model,
            "version": self.version,
            "promoted": self.promoted,
            "champion": self.champion or None,
            "test_split": self.test_split,
            "evaluation": self.evaluation,
            "criteria": [
                {
                    "name": each.name,
                    "outcome": each.outcome,
                    "blocking": each.blocking,
                    "sentence": each.sentence,
                    "numbers": {k: None if math.isnan(v) else v for k, v in each.numbers.items()},
                }
                for each in self.criteria
            ],
            "gate": self.gate.model_dump(mode="json"),
        }


def judge(candidate: Candidate, champion: Champion | None, gate: Gate, *, model: str) -> Verdict:
    """Return what the gate says of a candidate.

    Args:
        candidate: its evaluation and what the registry holds of it.
        champion: the version in use; None for a first one.
        gate: the numbers that decide.
        model: registered name.

    Raises:
        InputError: the stages behind the candidate's evaluation are gone.
    """
    case = Case(candidate=candidate, champion=champion, gate=gate)
    found = [each.judge(case) for each in all_criteria().values() if each.applies(case)]
    return Verdict(
        model=model,
        version=candidate.version,
        champion=champion.version if champion else "",
        test_split=candidate.judged.test_split,
        evaluation=candidate.judged.stage.fingerprint,
        criteria=tuple(found),
        gate=gate,
    )
