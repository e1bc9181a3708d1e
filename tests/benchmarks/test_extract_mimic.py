"""Two sides that find other events, or the same in another order, are told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import extract_mimic
from benchmarks.harness.row import Outcome

TIMES = np.array([7200, 3600])


def _found(folder: Path, texts: list[str]) -> Outcome:
    sequence = (TIMES, TIMES, np.array([2, 2]), texts)
    return extract_mimic.outcome(folder, 1, 1.0, [sequence])


def test_the_same_events_are_the_same(tmp_path: Path) -> None:
    first = _found(tmp_path, ["Sodium 140", "Lactate 2"])
    again = _found(tmp_path, ["Sodium 140", "Lactate 2"])
    assert replace(first, result=None) == replace(again, result=None)
    assert first.facts == {"stores": "2 events of 1 stays"}


@pytest.mark.parametrize("texts", [["Lactate 2", "Sodium 140"], ["Sodium 140", "Lactate 3"]])
def test_other_events_are_refused(tmp_path: Path, texts: list[str]) -> None:
    _found(tmp_path, ["Sodium 140", "Lactate 2"])
    with pytest.raises(ValueError, match="the two sides find other events at 1 stays"):
        _found(tmp_path, texts)
