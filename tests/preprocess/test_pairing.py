"""Which echo gives an ECG its LVEF."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.config.sections import PairingConfig
from components.core.schemas import MEASUREMENT_SCHEMA
from components.core.store import Workspace
from components.preprocess.pairing import Paired, pair

START = datetime(2024, 1, 1, 8)  # noqa: DTZ001 - tables have no zone
CONFIG = PairingConfig(days=14)


def at(hours: float | None) -> datetime | None:
    return None if hours is None else START + timedelta(hours=hours)


def records(*rows: dict[str, Any]) -> pd.DataFrame:
    times = ("index_time", "ecg_time", "echo_time", "intervention_time")
    plain = [{"patient_id": "p", "row": i + 2, **dict.fromkeys(times), **r}
             for i, r in enumerate(rows)]  # fmt: skip
    frame = pd.DataFrame(plain)
    for name in times:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[ms]")
    if "target.lvef" in frame:
        frame["target.lvef"] = frame["target.lvef"].astype("float64")
    return frame


def echoes(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Return measurements from (time or day, LVEF[, patient])."""
    table = [
        {"patient_id": more[0] if more else "p", "name": "lvef", "value": float(value),
         "time": when if isinstance(when, datetime) else None,
         "day": None if isinstance(when, datetime) else float(when), "below": False, "row": i + 2}
        for i, (when, value, *more) in enumerate(rows)
    ]  # fmt: skip
    empty = MEASUREMENT_SCHEMA.empty_table().to_pandas()
    if not table:
        return empty
    return pd.DataFrame(table).astype(empty.dtypes.drop(["patient_id", "name"]).to_dict())


def paired(tmp_path: Path, frame: pd.DataFrame, found: pd.DataFrame) -> tuple[Paired, Workspace]:
    work = Workspace(folder=tmp_path)
    return pair(work, frame, found, CONFIG), work


def lvefs(found: Paired) -> list[float | None]:
    return [None if np.isnan(v) else v for v in found.frame["target.lvef"]]


def test_the_nearest_echo_wins_and_of_two_the_earlier(tmp_path: Path) -> None:
    frame = records({"ecg_time": at(0)}, {"ecg_time": at(240)}, {"ecg_time": at(48)})
    table = echoes((at(-24), 30), (at(200), 40), (at(24), 50), (at(72), 60), (at(0.5), 70, "q"))
    found, work = paired(tmp_path, frame, table)
    assert lvefs(found) == [30, 40, 50]
    assert found.frame["echo_time"].tolist() == [at(-24), at(200), at(24)]
    assert work.counts["echo_pairs"] == 3
    assert work.counts["echo_days_median"] == 1.0
    assert work.facts["pairing"]["days_longest"] == pytest.approx(40 / 24)


def test_beyond_the_window_there_is_none(tmp_path: Path) -> None:
    edge = 14 * 24
    frame = records({"ecg_time": at(0)}, {"ecg_time": at(0), "patient_id": "q"},
                    {"ecg_time": at(0), "patient_id": "r"})  # fmt: skip
    found, work = paired(tmp_path, frame, echoes((at(edge), 40), (at(edge + 1), 50, "q")))
    assert lvefs(found) == [40, None, None]
    assert found.frame["unpaired"].tolist() == ["", "echo_outside_window", ""]
    assert (work.counts["echo_outside_window"], work.counts["echo_missing"]) == (1, 1)
    assert found.frame["echo_time"].isna().tolist() == [False, True, True]


def test_never_across_an_intervention(tmp_path: Path) -> None:
    frame = records({"ecg_time": at(0), "intervention_time": at(10)})
    found, _ = paired(tmp_path, frame, echoes((at(12), 40), (at(-100), 60)))
    assert lvefs(found) == [60]  # the nearer one lies on the other side
    found, work = paired(tmp_path, frame, echoes((at(10), 40), (at(9000), 60)))
    assert lvefs(found) == [None]
    assert found.frame["unpaired"].tolist() == ["echo_across_intervention"]
    assert work.counts["echo_across_intervention"] == 1
    after = records({"ecg_time": at(10), "intervention_time": at(10)})
    assert lvefs(paired(tmp_path, after, echoes((at(12), 40)))[0]) == [40]


def test_the_day_of_an_intervention_without_hours_cannot_be_told(tmp_path: Path) -> None:
    day = datetime(2024, 1, 1)  # noqa: DTZ001
    frame = records({"ecg_time": at(0), "intervention_time": day})
    found, _ = paired(tmp_path, frame, echoes((at(1), 40)))
    assert found.frame["unpaired"].tolist() == ["echo_across_intervention"]
    later = records({"ecg_time": at(24), "intervention_time": day})
    assert lvefs(paired(tmp_path, later, echoes((at(50), 40)))[0]) == [40]


def test_an_own_lvef_wins_and_is_judged_alike(tmp_path: Path) -> None:
    own = {"target.lvef": 35, "ecg_time": at(0)}
    frame = records(
        {**own, "echo_time": at(24 * 10)},
        {**own, "echo_time": at(24 * 20)},
        {**own, "echo_time": at(2), "intervention_time": at(1)},
        own,
        {**own, "ecg_time": None, "echo_time": at(2)},
        {"target.lvef": None, "ecg_time": at(0)},
    )
    found, work = paired(tmp_path, frame, echoes((at(1), 60)))
    assert lvefs(found) == [35, None, None, 35, 35, 60]
    assert work.counts["echo_on_trust"] == 2
    assert found.frame["unpaired"].tolist() == [
        "", "echo_outside_window", "echo_across_intervention", "", "", "",
    ]  # fmt: skip


def test_the_index_date_stands_in_for_the_ecgs(tmp_path: Path) -> None:
    frame = records({"index_time": at(0)}, {"patient_id": "q"}, {"patient_id": "r"})
    found, _ = paired(tmp_path, frame, echoes((3, 40), (-14, 50, "q"), (at(0), 60, "r")))
    assert lvefs(found) == [40, 50, None]
    assert found.frame["unpaired"].tolist() == ["", "", "ecg_time_missing"]
    assert found.frame["echo_time"][0] == datetime(2024, 1, 4)  # noqa: DTZ001


def test_two_lvefs_of_one_moment_are_refused(tmp_path: Path) -> None:
    table = echoes((at(1), 40), (at(1), 60), (at(5), 55), (at(5), 55))
    found, _ = paired(tmp_path, records({"ecg_time": at(0)}), table)
    assert lvefs(found) == [55]
    assert [(r["row"], r["code"]) for r in found.rejects] == [
        (2, "conflicting_values"), (3, "conflicting_values"),
    ]  # fmt: skip


def test_no_echo_at_all(tmp_path: Path) -> None:
    found, work = paired(tmp_path, records({"ecg_time": at(0)}), echoes())
    assert lvefs(found) == [None]
    assert "echo_days_median" not in work.counts
    assert work.facts["pairing"]["days_median"] is None


_HOURS = st.integers(-24 * 20, 24 * 20)


@settings(max_examples=60, deadline=None)
@given(st.integers(-200, 200), st.none() | _HOURS, st.lists(_HOURS, max_size=6, unique=True))
def test_it_agrees_with_looking_at_every_echo(
    ecg: int, intervention: int | None, times: list[int]
) -> None:
    """All times carry an hour (START is 8 o'clock and 56 minutes are added), so none is a date."""
    odd = 56 / 60
    frame = records({"ecg_time": at(ecg + odd), "intervention_time": at(
        None if intervention is None else intervention + odd)})  # fmt: skip
    table = echoes(*[(at(hour + odd), 30 + place) for place, hour in enumerate(times)])
    found = pair(Workspace(folder=Path()), frame, table, CONFIG)
    allowed = [
        (abs(hour - ecg), hour, 30.0 + place)
        for place, hour in enumerate(times)
        if abs(hour - ecg) <= 14 * 24
        and (intervention is None or (hour < intervention) == (ecg < intervention))
    ]
    assert lvefs(found) == [min(allowed)[2] if allowed else None]
