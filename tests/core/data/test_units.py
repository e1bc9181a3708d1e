"""Units that a split keeps whole."""

from __future__ import annotations

import pandas as pd

from components.core.data.units import units

FRAME = pd.DataFrame(
    {"patient_id": ["c", "a", "b", "a", "d"], "site": ["y", "x", "x", "z", "w"], "ward": list("mnnop")}
)  # fmt: skip


def test_one_column_gives_the_patients_themselves() -> None:
    assert list(units(FRAME, ["patient_id"])) == ["c", "a", "b", "a", "d"]


def test_whatever_shares_a_value_of_any_column_is_one_unit() -> None:
    assert list(units(FRAME, ["patient_id", "site"])) == ["c", "a", "a", "a", "d"]
    chained = FRAME.assign(ward=["m", "n", "n", "m", "p"])
    assert list(units(chained, ["patient_id", "site", "ward"])) == ["a", "a", "a", "a", "d"]
