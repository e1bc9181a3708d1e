"""The label made from serial measurements, patient by patient."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from components.core.config.base import validate
from components.core.config.sections import LabelConfig
from components.core.errors import ConfigError, InputError
from components.core.schemas import MEASUREMENT_SCHEMA, MEASUREMENTS
from components.preprocess.derived import Derived, derive_ctrcd

LABEL = {"name": "y", "definition": "d", "prediction_time": "t", "derive": "ctrcd"}
INDEX = pd.Timestamp("2020-06-01T09:00")


def config(**more: Any) -> LabelConfig:
    return LabelConfig.model_validate(LABEL | {"horizon_days": 365} | more)


def records(*patients: str, **more: Any) -> pd.DataFrame:
    names = ["event_time_days", "followup_days", "death_days"]
    frame = pd.DataFrame({"patient_id": patients, "row": range(2, 2 + len(patients))})
    frame = frame.assign(label=pd.array([None] * len(patients), dtype="Int8"), index_time=INDEX)
    frame = frame.assign(**{n: pd.Series(dtype="float64") for n in names}).assign(**more)
    return frame.astype(dict.fromkeys(names, "float64"))


def measured(*rows: tuple[str, Any, str, float], below: tuple[int, ...] = ()) -> pd.DataFrame:
    """Return measurements of (patient, day or date, name, value)."""
    days = [when if isinstance(when, int | float) else None for _, when, _, _ in rows]
    times = [None if isinstance(when, int | float) else when for _, when, _, _ in rows]
    frame = pd.DataFrame(
        {
            "patient_id": [r[0] for r in rows],
            "name": [r[2] for r in rows],
            "time": pd.to_datetime(pd.Series(times), format="ISO8601"),
            "day": pd.Series(days, dtype="float64"),
            "value": [float(r[3]) for r in rows],
            "below": [i in below for i in range(len(rows))],
            "row": range(2, 2 + len(rows)),
        }
    )
    return frame[MEASUREMENT_SCHEMA.names]


def codes(found: Derived) -> list[tuple[str, int, str]]:
    return [(r["code"], r["row"], r["file"]) for r in found.rejects]


def test_event_day_grade_and_last_contact() -> None:
    frame = records("a", "b", "c", "d", followup_days=[400, 500, 200, None])
    found = derive_ctrcd(
        frame,
        measured(
            ("a", -3, "lvef", 62), ("a", 90, "lvef", 47), ("a", 180, "lvef", 38),
            ("b", 0, "lvef", 62), ("b", 350, "lvef", 58), ("b", 380, "lvef", 47),
            ("c", 0, "lvef", 62), ("c", 240, "lvef", 60),
            ("d", 0, "lvef", 62), ("d", 90, "lvef", 60),
        ),
        config(),
    )  # fmt: skip
    rows = found.frame.set_index("patient_id")
    assert rows["event_time_days"].to_dict() == pytest.approx(
        {"a": 90, "b": 380, "c": float("nan"), "d": float("nan")}, nan_ok=True
    )
    assert rows["ctrcd_grade"].to_dict() == {"a": "severe", "b": "none", "c": "none", "d": "none"}
    # Whoever was measured was followed: c beyond the contact that the manifest knows, d at all.
    assert rows["followup_days"].to_dict() == {"a": 400, "b": 500, "c": 240, "d": 90}
    assert rows["last_lvef_day"].to_dict() == {"a": 180, "b": 350, "c": 240, "d": 90}
    assert rows["label"].isna().all()  # judged at the horizon later
    assert found.rejects == []
    assert {k: v for k, v in found.counts.items() if v} == {"grade_none": 3, "grade_severe": 1}


@pytest.mark.parametrize(
    ("least", "event"), [("mild", 30), ("moderate", 90), ("severe", 180), ("very_severe", None)]
)
def test_the_least_grade_is_a_setting(least: str, event: float | None) -> None:
    table = measured(
        ("a", 0, "lvef", 62), ("a", 0, "troponin_t", 5), ("a", 30, "lvef", 60),
        ("a", 30, "troponin_t", 50), ("a", 90, "lvef", 47), ("a", 180, "lvef", 38),
    )  # fmt: skip
    found = derive_ctrcd(
        records("a", followup_days=400), table, config(ctrcd_min_grade=least)
    ).frame
    assert found["event_time_days"].tolist() == pytest.approx([event or float("nan")], nan_ok=True)


def test_without_a_horizon_the_label_is_the_event_during_follow_up() -> None:
    table = measured(
        ("a", 0, "lvef", 62), ("a", 900, "lvef", 47), ("b", 0, "lvef", 62), ("b", 90, "lvef", 60)
    )
    found = derive_ctrcd(records("a", "b"), table, config(horizon_days=None)).frame
    assert found["label"].tolist() == [1, 0]
    assert found["ctrcd_grade"].tolist() == ["moderate", "none"]


def test_dates_count_as_calendar_days_from_the_index_date() -> None:
    table = measured(
        ("a", "2020-06-01T16:00", "lvef", 62),  # the index date itself: baseline, whatever hour
        ("a", "2020-06-02", "lvef", 47),
    )
    found = derive_ctrcd(records("a", followup_days=400), table, config()).frame
    assert found["event_time_days"].tolist() == [1]


def test_each_index_date_has_its_own_baseline() -> None:
    frame = records("a", "a", followup_days=800)
    frame["index_time"] = [pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")]
    table = measured(
        ("a", "2019-12-30", "lvef", 62),
        ("a", "2020-06-01", "lvef", 47),
        ("a", "2021-06-01", "lvef", 46),
    )
    found = derive_ctrcd(frame, table, config()).frame
    assert found["event_time_days"].tolist() == pytest.approx([152, float("nan")], nan_ok=True)
    with pytest.raises(InputError, match=r"1 patient\(s\) have several index dates and measurem"):
        derive_ctrcd(frame, measured(("a", 0, "lvef", 62)), config())


def test_who_cannot_be_graded_is_refused() -> None:
    frame = records(
        *"abcdefg", followup_days=[400, 400, 400, 100, 100, 400, 400],
        death_days=[None, None, None, None, 100, None, None],
    )  # fmt: skip
    table = measured(
        ("a", 0, "lvef", 62), ("a", 90, "lvef", 60),
        ("b", 90, "lvef", 45),  # no baseline
        ("c", -30, "lvef", 62),  # before therapy only
        ("d", -30, "lvef", 62),  # the same, but lost early: censored
        ("e", -30, "lvef", 62),  # the same, but dead: a competing event
        ("f", 50, "hf_symptoms", 3),  # no LVEF at all, but heart failure
    )  # fmt: skip
    found = derive_ctrcd(frame, table, config())
    assert found.frame["patient_id"].tolist() == ["a", "d", "e", "f"]
    assert codes(found) == [
        ("baseline_missing", 3, ""), ("baseline_missing", 8, ""), ("never_assessed", 4, ""),
    ]  # fmt: skip
    assert found.frame["event_time_days"].notna().tolist() == [False, False, False, True]
    assert all(r["advice"] and r["reason"] and r["field"] == "lvef" for r in found.rejects)


def test_nobody_can_be_graded() -> None:
    with pytest.raises(InputError, match="none of 1 records could be graded; each needs an LVEF"):
        derive_ctrcd(records("a"), measured(("a", 90, "lvef", 60)), config())


def test_contradicting_measurements_are_refused() -> None:
    frame = records("a", "b", followup_days=400, death_days=[None, 100])
    frame["index_time"] = [INDEX, pd.NaT]
    table = measured(
        ("a", 0, "lvef", 62), ("a", 90, "lvef", 55), ("a", 90, "lvef", 40),
        ("a", 180, "lvef", 58), ("a", 180, "lvef", 58),  # the same twice is no contradiction
        ("a", 0, "troponin_t", 5), ("a", 180, "troponin_t", 5), ("a", 180, "troponin_t", 30),
        ("a", 181, "troponin_t", 19.9), ("a", 182, "troponin_t", 4.9),
        ("b", 0, "lvef", 62), ("b", 101, "lvef", 40), ("b", "2020-07-01", "lvef", 40),
        below=(8, 9),
    )  # fmt: skip
    found = derive_ctrcd(frame, table, config())
    assert codes(found) == [
        ("index_time_missing", 14, MEASUREMENTS),
        ("measured_after_death", 13, MEASUREMENTS),
        ("limit_above_cutoff", 10, MEASUREMENTS),
        ("conflicting_values", 3, MEASUREMENTS),
        ("conflicting_values", 4, MEASUREMENTS),
    ]
    rows = found.frame.set_index("patient_id")
    assert rows["ctrcd_grade"].to_dict() == {"a": "mild", "b": "none"}  # the highest of a day
    assert "conflicting" not in " ".join(r["value"] for r in found.rejects)
    assert not any(r["value"] == "a" for r in found.rejects)


def test_other_event_days_of_the_manifest_are_counted() -> None:
    frame = records("a", "b", followup_days=400, event_time_days=[80, None], label=[1, 0])
    table = measured(("a", 0, "lvef", 62), ("a", 90, "lvef", 45), ("b", 0, "lvef", 62),
                     ("b", 90, "lvef", 60))  # fmt: skip
    found = derive_ctrcd(frame, table, config())
    assert found.counts["event_times_disagree"] == 1
    assert found.frame["given_label"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"censoring": "as_given"}, "'as_given' takes the label column, derive makes its own"),
        ({"censoring": "survival", "horizon_days": None}, "'survival' needs horizon_days"),
        ({"ctrcd_min_grade": "terrible"}, "Input should be 'mild', 'moderate', 'severe' or 'very"),
    ],
)
def test_settings_that_do_not_go_together(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(LabelConfig, LABEL | {"horizon_days": 365} | more, "here")
