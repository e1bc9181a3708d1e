"""On which side of its reference range a laboratory's number lies."""

from __future__ import annotations

import pytest

from components.core.data.event_words import with_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Lactate 2.4 mmol/L (0.5–2.0) abnormal", "above "),
        ("Lactate 3.6 mmol/L (0.5–2.0)", "far above "),
        ("Sodium 132 mEq/L (133–145) abnormal", "below "),
        ("Sodium 110 mEq/L (133–145)", "far below "),
        ("Sodium 133 mEq/L (133–145)", "within "),
        ("Base Excess -4 mEq/L (-2–2)", "below "),
        ("Bilirubin 1.6 mg/dL (–1.5)", "above "),
        ("eGFR 59 mL/min/1.73m2 (60–)", "below "),
        ("25-OH Vitamin D 12 ng/mL (20–60)", "below "),
        ("Vitamin B12 500 pg/mL (240–900)", "within "),
        ("Troponin T <0.01 ng/mL (0–0.01)", "within "),
        ("Lactate 4.1 mmol/L (0.5-2.0)", "far above "),
        ("Platelets 1,200 K/uL (150 - 440)", "far above "),
        ("Base Excess -3 mEq/L (-2-2)", "below "),
        ("INR 1.2* (0.9–1.1)", "above "),
        ("Anion gap 12 mEq/L (-1.5)", ""),
        ("Lactate mmol/L (0.5–2.0)", ""),
        ("Lactate ERROR (0.5–2.0)", ""),
        ("Potassium 4.1 mEq/L", ""),
        ("Potassium 4.1 mEq/L (–)", ""),
        ("Heparin 5000 (unit) IV", ""),
        ("", ""),
    ],
)
def test_the_place_stands_first(text: str, place: str) -> None:
    assert with_place(text) == place + text
