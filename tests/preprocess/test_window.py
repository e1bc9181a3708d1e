"""The ECG lies before or at the index date."""

from __future__ import annotations

import pandas as pd
import pytest

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


@pytest.mark.parametrize(
    ("index", "ecg", "taken"),
    [
        ("2020-06-01T09:00", "2020-06-01T08:59", True),
        ("2020-06-01T09:00", "2020-06-01T09:01", False),
        ("2020-06-01", "2020-06-01T15:00", True),  # the index is a day: an ECG of that day is at it
        ("2020-06-01", "2020-06-02T00:01", False),
        ("2020-06-01T09:00", "2020-06-01", True),
        ("2020-06-01T09:00", "2020-06-02", False),
        ("2020-06-01T09:00", "2020-03-03", True),  # 90 calendar days
        ("2020-06-01T09:00", "2020-03-02", False),
    ],
)
def test_a_bare_date_is_compared_as_a_day(index: str, ecg: str, taken: bool) -> None:
    frame = pd.DataFrame({"row": [2], "index_time": [index], "ecg_time": [ecg]})
    times = frame.assign(**{c: pd.to_datetime(frame[c]) for c in ("index_time", "ecg_time")})
    kept, rejects = within_window(times, EcgConfig())
    assert (len(kept), len(rejects)) == ((1, 0) if taken else (0, 1))


def test_each_ecg_of_a_patient_is_judged_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    times = pd.to_datetime(["2020-05-01T10:00", "2020-06-02T10:00", None], format="ISO8601")
    frame = pd.DataFrame(
        {"row": [2, 3, 4], "patient_id": "p", "index_time": INDEX, "ecg_time": times}
    )
    kept, rejects = within_window(frame, EcgConfig())
    assert kept["row"].tolist() == [2, 4]
    assert [r["row"] for r in rejects] == [3]
    assert "1 of 3 ECGs have no ecg_time or no index_time" in capsys.readouterr().err
