"""Which heads are judged as endpoints."""

from __future__ import annotations

from components.core.config.base import validate
from components.core.config.task import TaskConfig
from components.evaluate.endpoints.outlook import outlooks


def test_the_labels_view_beside_another_primary_head_is_left_to_the_table_of_heads() -> None:
    label = {"name": "times", "definition": "d", "prediction_time": "t", "horizon_days": 9,
             "derive": "head"}  # fmt: skip
    heads = {
        "times": {"kind": "survival", "horizons_days": [9]},
        "death": {"kind": "binary"},
        "relapse": {"kind": "binary", "endpoint": "relapse", "horizon_days": 5},
    }
    data = {"task": "toy", "title": "t", "label": label, "model": {"name": "tabular"}}
    task = validate(TaskConfig, {**data, "heads": heads}, "toy.yaml")
    assert [(each.name, each.primary) for each in outlooks(task)] == [("relapse", False)]
