"""What texts of events name: item, number, flag."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from components.evaluate.event_items import items_of


@pytest.mark.parametrize(
    ("text", "item", "number", "abnormal"),
    [
        ("Potassium 5.1 mEq/L (3.5–5.0) abnormal", "potassium meq/l", 5.1, True),
        ("Potassium 4.0 mEq/L (3.5–5.0)", "potassium meq/l", 4.0, False),
        ("Base Excess -3 mEq/L (-2–2)", "base excess meq/l", -3.0, False),
        ("Lactate >30 mmol/L", "lactate mmol/l", 30.0, False),
        ("Alanine Aminotransferase (ALT) 24 IU/L (0–40)",
         "alanine aminotransferase (alt) iu/l", 24.0, False),
        ("Heparin 5,000 UNIT SC", "heparin unit sc", 5000.0, False),
        ("Aspirin 1-2 TAB PO", "aspirin tab po", 1.0, False),
        ("0.9% Sodium Chloride 500 mL IV", "0.9% sodium chloride ml iv", 500.0, False),
        ("Norepinephrine 2.5 mg 0.1 mcg/kg/min", "norepinephrine mg mcg/kg/min", 2.5, False),
        ("Vitamin B12", "vitamin b12", np.nan, False),
        ("Cells 1 2 3", "cells", 1.0, False),
        ("Abnormal gait", "abnormal gait", np.nan, False),
        ("", "", np.nan, False),
    ],
)  # fmt: skip
def test_a_text_is_an_item_a_number_and_a_flag(
    text: str, item: str, number: float, *, abnormal: bool
) -> None:
    found = items_of(pa.array([text]))
    assert found.names == (item,)
    np.testing.assert_equal(found.number.tolist(), [number])
    assert found.abnormal.tolist() == [abnormal]


def test_texts_that_differ_in_their_number_alone_are_one_item() -> None:
    found = items_of(pa.array(["Lactate 1.4 mmol/L", "Water 250 ml", "LACTATE  9 mmol/L abnormal"]))
    assert found.item.tolist() == [0, 1, 0]
    assert found.names == ("lactate mmol/l", "water ml")


def test_no_texts_name_nothing() -> None:
    assert items_of(pa.array([], pa.string())).names == ()
