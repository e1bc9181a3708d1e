"""Which compared pairs the check takes for copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.audit.checks import near_identical_signals
from tests.audit.similarity.test_records import recordings
from tests.audit.test_real_data import audited

FS = 500


@pytest.mark.parametrize(
    ("correlation", "concentration", "copies"),
    [(0.94, 1.0, 0), (0.96, 1.0, 2), (0.96, 6.0, 0), (0.985, 6.0, 2)],
    ids=["unlike", "noise on a copy", "another's like rhythm", "filtered copy"],
)
def test_below_certainty_what_differs_must_not_lie_in_the_complexes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    correlation: float,
    concentration: float,
    copies: int,
) -> None:
    original = recordings()[:40]
    noise = np.random.default_rng(0).normal(0, 20, original[:2].shape)
    # The copies of records 0 and 2 (train) come last, as records 41 and 43 (test).
    counts = np.concatenate([original, original[:4]])
    counts[[41, 43]] = original[[0, 2]] + noise

    def compare(signals, sketches, pairs):
        told = np.isin(pairs.right, [41, 43]) & np.isin(pairs.left, [0, 2])
        return np.where(told, correlation, 0.5), np.where(told, concentration, 1.0)

    monkeypatch.setattr(near_identical_signals, "compare", compare)
    finding = near_identical_signals.check(audited(tmp_path, np.rint(counts).astype(np.int16), FS))
    assert finding.evidence["pairs"] == copies
    assert finding.passed == (copies == 0)
