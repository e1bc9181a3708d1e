"""The ECG lies before or at the index date."""

from __future__ import annotations

import pandas as pd

from components.core.config.sections import EcgConfig
from components.preprocess.window import within_window

INDEX = pd.Timestamp("2020-06-01T09:00")


def test_the_window() -> None:
    before = {"a": 0.0, "b": 89.9, "c": 90.0, "d": 90.1, "e": -0.001, "f": None, "g": -30.0}
    frame = pd.DataFrame(
        {
            "sample_id": list(before),
            "row": range(2, 9),
            "index_time": INDEX,
            "ecg_time": [
                pd.NaT if days is None else INDEX - pd.Timedelta(days=days)
                for days in before.values()
            ],
        }
    )
    kept, rejects = within_window(frame, EcgConfig(window_days=90))
    assert kept["sample_id"].tolist() == ["a", "b", "c", "f"]
    assert kept.index.tolist() == [0, 1, 2, 3]
    codes = {r["row"]: r["code"] for r in rejects}
    assert codes == {5: "ecg_outside_window", 6: "ecg_after_index", 8: "ecg_after_index"}
    reject = next(r for r in rejects if r["row"] == 5)
    assert reject["field"] == "ecg_time"
    assert "more than 90 days before the index date" in reject["reason"]
    assert "window_days" in reject["advice"]
    everything, none = within_window(frame, EcgConfig(window_days=None))
    assert (len(everything), none) == (7, [])
