"""Which texts say that death is expected."""

from __future__ import annotations

import pyarrow as pa
import pytest

from components.core.data.comfort_care import comfort_care

SAID = (
    "Comfort Measures Only", "comfort care ordered", "CMO", "Palliative Care consult", "Hospice",
    "End of Life", "end-of-life care", "DNR", "DNI", "DNR/DNI", "Do Not Resuscitate",
    "Do not intubate", "Withdrawal of care", "withdraw life support", "Withdrawing treatment",
    "DNAR", "Allow Natural Death", "Do not attempt resuscitation", "withdraw life-sustaining therapy",
    "Terminal extubation", "terminal weaning", "Code status: DNR",
)  # fmt: skip
CLEAR = (
    "Morphine Sulfate", "Discomfort", "Extubation", "Intubation", "Terminal ileum biopsy",
    "Alcohol withdrawal treatment protocol", "CIWA withdrawal therapy", "Discomfort care",
    "Opioid withdrawal support", "cmoX", "Comfortable", "Withdrawal seizure", "Opioid withdrawal", "Drain care", "",
)  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_limits_of_treatment_and_palliation_are_found(text: str) -> None:
    assert comfort_care(pa.array([text])).tolist() == [True]


@pytest.mark.parametrize("text", CLEAR)
def test_other_words_are_left_alone(text: str) -> None:
    assert comfort_care(pa.array([text])).tolist() == [False]


def test_no_text_and_no_texts() -> None:
    assert comfort_care(pa.array([None, "DNR"], pa.string())).tolist() == [False, True]
    assert comfort_care(pa.array([], pa.string())).tolist() == []
