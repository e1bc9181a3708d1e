"""Every kind of head says what its log-odds are of."""

from __future__ import annotations

import pytest

from components.core.config.heads import (
    BinaryHead,
    ClassesHead,
    ConfidenceHead,
    HeadConfig,
    SurvivalHead,
)
from components.core.heads.registry import View, kinds

CLASSES = {"target": "risk", "classes": ("low", "high")}
EACH: dict[str, tuple[HeadConfig, str]] = {
    "binary": (BinaryHead(), "logit of the event minus logit of no event"),
    "survival": (
        SurvivalHead(horizons_days=(30, 182.5)),
        "logit of the cumulative incidence of the event by day 182.5, the last horizon",
    ),
    "classes": (
        ClassesHead.model_validate(CLASSES),
        "logit of the highest category, 'high', against all others together",
    ),
    "confidence": (
        ConfidenceHead(of="lvef"),
        "logit of a right answer of the head 'lvef' minus logit of a wrong one",
    ),
}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_says_what_its_log_odds_are_of(kind: str) -> None:
    head, expected = EACH[kind]
    assert View(name="own", head=head).meaning() == expected


def test_an_ordinal_head_has_a_boundary_below_its_highest_category() -> None:
    head = ClassesHead.model_validate(CLASSES | {"ordinal": True})
    assert View(name="own", head=head).meaning().endswith("'high', against any lower one")
