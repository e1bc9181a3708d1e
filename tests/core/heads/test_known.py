"""From which columns each head learns."""

from __future__ import annotations

import pytest

from components.core.heads.known import known_columns
from components.core.heads.registry import from_json

LABEL = {"kind": "binary"}
RELAPSE = {"kind": "binary", "endpoint": "relapse", "horizon_days": 400}
TIMES = {"kind": "survival", "endpoint": "relapse"}


@pytest.mark.parametrize(
    ("heads", "columns"),
    [
        ({}, ("label",)),
        ({"death": LABEL}, ("label",)),
        ({"death": LABEL, "relapse": RELAPSE}, ("label", "time_days.relapse")),
        ({"death": LABEL, "hazard": TIMES, "again": TIMES}, ("label", "time_days.relapse")),
        ({"hazard": {"kind": "survival"}}, ("time_days",)),
        ({"lvef": {"kind": "binary", "target": "lvef", "below": 50},
          "sure": {"kind": "confidence", "of": "lvef"}}, ("y.lvef",)),
        ({"risk": {"kind": "classes", "target": "risk", "classes": ["a", "b"]}}, ("y.risk",)),
    ],
)  # fmt: skip
def test_columns(heads: dict[str, dict[str, object]], columns: tuple[str, ...]) -> None:
    assert known_columns(from_json(heads)) == columns
