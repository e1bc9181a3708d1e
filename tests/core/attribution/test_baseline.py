"""What an input is compared with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.core.attribution.baseline import baselines, stated
from components.core.data.batches import Batch, Normaliser
from components.core.errors import CardioError
from components.core.signals.normalise import NormStats

NORM = NormStats(leads=("I", "V2"), mean=(0.1, -0.3), sd=(0.5, 0.2), count=(9, 9))


def raw(values: np.ndarray) -> Batch:
    return {
        "ecg": torch.from_numpy(values.astype(np.float32)),
        "ecg_scale": torch.ones(2, 2),
        "ecg_lead_mask": torch.tensor([[1.0, 1.0], [1.0, 0.0]]),
        "tabular": torch.randn(2, 3),
        "text": torch.randn(2, 4),
    }


def test_an_ecg_is_compared_with_a_trace_at_0_mv() -> None:
    silent = Normaliser(NORM)(raw(np.zeros((2, 2, 5))))
    found = baselines(Normaliser(NORM)(raw(np.ones((2, 2, 5)))), norm=NORM, tabular=None)
    torch.testing.assert_close(found["ecg"], silent["ecg"])
    assert not found["ecg"][1, 1].any()
    assert set(found) == {"ecg", "text"}


def test_without_gaps_the_whole_trace_is_at_0_mv() -> None:
    batch = Normaliser(NORM)({**raw(np.ones((2, 2, 5))), "ecg_lead_mask": torch.ones(2, 2)})
    found = baselines(batch, norm=NORM, tabular=None)
    torch.testing.assert_close(found["ecg"][1, 1], torch.full((5,), 1.5))


def test_a_patient_is_compared_with_the_mean_and_a_note_with_none() -> None:
    batch = raw(np.ones((2, 2, 5)))
    found = baselines(batch, norm=None, tabular=torch.tensor([1.0, 2.0, 3.0]))
    assert found["tabular"].tolist() == [[1, 2, 3]] * 2
    assert not found["text"].any()
    assert set(found) == {"tabular", "text"}


def test_what_is_not_there_has_no_baseline() -> None:
    assert baselines({}, norm=NORM, tabular=torch.zeros(3)) == {}


def test_baselines_are_told_in_words() -> None:
    assert stated("ecg") == "a trace at 0 mV"
    assert stated("ecg", unit="z").startswith("a trace at 0 of the standardised signal")
    assert "mean of the training patients" in stated("tabular", unit="z")
    with pytest.raises(CardioError, match="the baseline of 'gait' is not stated"):
        stated("gait")
