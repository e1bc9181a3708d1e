"""Every figure of an evaluation has a row in docs/tracking.md, and every task has the main ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.evaluate.conftest import Example
from tests.evaluate.timed import Timed
from tests.tracking_names import PRIMARY, uncovered

EXAMPLES = ("holdout", "folds", "ecg", "shuffled", "heads", "several", "survival", "risk")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_a_row(examples: Callable[[str], Example], name: str) -> None:
    figures = examples(name).stage.facts["figures"]
    assert uncovered(figures) == []
    assert PRIMARY - set(figures) == set()


def test_every_figure_of_times_within_folds_has_a_row(timed: Timed) -> None:
    figures = {
        name if name.startswith("baseline/") else f"test/{name}" for name in timed.section.figures
    }
    assert any(name.endswith("_within_fold") for name in figures)
    assert uncovered(figures) == []
