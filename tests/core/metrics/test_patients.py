"""Recordings to patients."""

from __future__ import annotations

import pandas as pd

from components.core.metrics.patients import by_patient


def test_a_patient_has_the_mean_logit_and_is_positive_if_any_recording_is() -> None:
    frame = pd.DataFrame(
        {
            "patient_id": ["b", "a", "b"],
            "label": [0, 0, 1],
            "logit": [1.0, -1.0, 3.0],
            "weight": [1.0, 1.5, 2.0],
        }
    )
    found = by_patient(frame)
    assert found.patient_id.tolist() == ["a", "b"]
    assert found.label.tolist() == [0, 1]
    assert found.logit.tolist() == [-1.0, 2.0]
    assert found.weight.tolist() == [1.5, 1.5]
