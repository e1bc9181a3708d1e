"""What the report says of the recalibration."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from components.evaluate import assemble


def cautions(kind: str, *sizes: tuple[int, int]) -> list[str]:
    task: Any = SimpleNamespace(evaluate=SimpleNamespace(recalibrate=kind))
    tests = [
        SimpleNamespace(calibration=SimpleNamespace(patients=patients, events=events))
        for patients, events in sizes
    ]
    done: Any = SimpleNamespace(tests=tests)
    return list(assemble._cautions(task, done))


def test_the_smallest_validation_part_is_told() -> None:
    found = cautions("isotonic", (3000, 600), (900, 120))
    assert len(found) == 1
    assert "900 validation patients with 120 events" in found[0]


def test_nothing_is_said_without_reason() -> None:
    assert cautions("isotonic", (3000, 600)) == []
    assert cautions("platt", (90, 12)) == []
