"""What is said of the costs before the work begins, and how much of it is kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.config.explain import ExplainConfig
from components.core.store import Stage
from components.explain import against_controls, cost
from components.explain.lots import RECORDS
from components.explain.method import Attributed, all_methods
from tests.explain import toy

CONFIG = ExplainConfig(steps=6)
METHODS = [all_methods()[name] for name in ("ig", "ablation", "shapley")]


@pytest.fixture
def controls(monkeypatch: pytest.MonkeyPatch) -> list[Stage]:
    """Return two trainings of three networks each."""
    monkeypatch.setattr(cost, "members_of", lambda _train, _fold: [None] * 3)
    monkeypatch.setattr(cost, "seconds_per_pass", lambda _: 2.0)
    made: dict[str, Any] = {"folder": Path(), "component": "train", "config": {}, "inputs": {}}
    return [Stage(fingerprint=print_ * 32, **made) for print_ in "ab"]


def test_controls_are_among_the_costs(controls: list[Stage]) -> None:
    subject = toy.subject()
    without = cost.costs([subject], METHODS, CONFIG)
    found = cost.costs([subject], METHODS, CONFIG, controls=controls)
    assert found[:-1] == without
    passes = sum(each.passes(subject, CONFIG) for each in METHODS[:2])
    assert found[-1].name == "controls"
    assert found[-1].passes == pytest.approx(passes)
    assert found[-1].seconds == pytest.approx(2.0 * passes * len(subject) * 6)
    first, *lines = cost.lines(found, len(subject), {})
    assert " records by 3 method(s), about " in first
    assert "controls  what networks taught shuffled labels say" in lines[-1]


def test_of_controls_the_groups_alone_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Attributed] = []
    together = against_controls.joined

    def joined(parts: Sequence[Attributed]) -> Attributed:
        seen.extend(parts)
        return together(parts)

    monkeypatch.setattr(against_controls, "joined", joined)
    subject = toy.subject()
    cells = against_controls.cells_of(subject, METHODS[0], CONFIG, lambda _: None)
    assert len(cells.values) == len(subject)
    assert len(seen) == -(-len(subject) // RECORDS)
    assert all(part.values == {} for part in seen)
    whole = METHODS[0].explain(subject, np.arange(len(subject)), CONFIG)
    np.testing.assert_allclose(cells.values, whole.grouped["lead_segment"].values, atol=1e-6)
