"""The binary label at the horizon, checked case by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.sections import LabelConfig
from components.core.errors import InputError
from components.core.metrics.ipcw import label_at_horizon
from components.preprocess import labels
from components.preprocess.truths import event_by


def frame(*rows: tuple[Any, Any, Any, Any]) -> pd.DataFrame:
    """Return a manifest of (label, event day, death day, last contact)."""
    names = ["label", "event_time_days", "death_days", "followup_days"]
    table = pd.DataFrame(rows, columns=names)
    return table.astype({"label": "Int8"} | dict.fromkeys(names[1:], "float64"))


def config(**more: Any) -> LabelConfig:
    plain = {"name": "y", "definition": "d", "prediction_time": "t", "horizon_days": 365}
    return LabelConfig.model_validate(plain | more)


CASES = [  # (label, event, death, follow-up) → label at 365 days, censored, time, code
    ((None, 200, None, 900), (1, False, 200, 1)),  # the event
    ((None, 365, None, 900), (1, False, 365, 1)),  # on the last day
    ((None, 366, None, 900), (0, False, 366, 1)),  # after the horizon: a non-event at it
    ((0, 500, None, 900), (0, False, 500, 1)),
    ((None, None, 100, 100), (0, False, 100, 2)),  # death first: a known non-event, competing
    ((None, None, 500, 500), (0, False, 500, 2)),
    ((None, None, 500, None), (0, False, 500, 2)),  # free of it until a death after the horizon
    ((None, None, 500, 100), (0, False, 500, 2)),  # and last seen before it
    ((None, None, 100, None), (0, False, 100, 2)),
    ((None, None, None, 365), (0, False, 365, 0)),  # followed to the horizon
    ((None, None, None, 364), (None, True, 364, 0)),  # not quite: censored, not negative
    ((0, None, None, 30), (None, True, 30, 0)),  # whatever the column says
    ((None, 200, 300, 300), (1, False, 200, 1)),  # the event, then death
]


def test_each_case() -> None:
    found = labels.derive(frame(*[case for case, _ in CASES]), config())
    got = list(
        zip(
            [None if pd.isna(v) else int(v) for v in found.label],
            found.censored.tolist(), found.time.tolist(), found.code.tolist(),
            strict=True,
        )
    )  # fmt: skip
    assert got == [expected for _, expected in CASES]
    assert found.timed


def test_label_weights_and_truths_of_endpoints_call_the_same_patients_censored() -> None:
    table = frame(*[case for case, _ in CASES])
    found = labels.derive(table, config())
    by_code = label_at_horizon(found.time.to_numpy(), found.code.to_numpy(), 365)
    np.testing.assert_array_equal(found.label.to_numpy("float64", na_value=np.nan), by_code)
    beside = table.add_suffix(".relapse")
    time, code = labels.times_of(beside, "relapse")
    truth = event_by(
        pd.DataFrame({"time_days.relapse": time, "event_code.relapse": code}), 365, "relapse"
    )
    assert truth.equals(found.label.rename(None))


def test_a_censored_negative_is_counted_as_contradiction() -> None:
    table = frame((0, None, None, 30), (0, None, None, 400), (None, None, None, 30))
    assert labels.contradictions(table, labels.derive(table, config())) == 1


def test_as_given_takes_the_column_and_tells_who_is_censored() -> None:
    table = frame((0, None, None, 30), (1, 10, None, 400), (None, None, None, 30))
    found = labels.derive(table, config(censoring="as_given"))
    assert found.label.tolist()[:2] == [0, 1]
    assert found.censored.tolist() == [True, False, True]
    assert not found.timed


@pytest.mark.parametrize(
    ("table", "more"),
    [
        (frame((0, None, None, 30), (1, 900, None, 900)), {"horizon_days": None}),
        (frame((0, None, None, None), (1, None, None, None)), {}),
    ],
    ids=["no horizon", "no times"],
)
def test_without_horizon_or_times_the_column_holds(
    table: pd.DataFrame, more: dict[str, Any]
) -> None:
    found = labels.derive(table, config(**more))
    assert found.label.tolist() == [0, 1]
    assert not found.censored.any()
    assert not found.timed


def test_follow_up_of_some_only_is_refused() -> None:
    table = frame((0, None, None, 400), (1, 20, None, None), (0, None, None, None))
    with pytest.raises(
        InputError,
        match=r"1 of 3 records have neither event_time_days, death_days nor followup_days; .*"
        "or set label.horizon_days=null",
    ):
        labels.derive(table, config())


@pytest.mark.parametrize("row", [(1, None, None, 400), (1, None, None, 100), (0, 100, None, 400)])
def test_a_label_against_its_times_is_refused(row: tuple[Any, Any, Any, Any]) -> None:
    table = frame(row, (0, None, None, 400))
    with pytest.raises(
        InputError, match="1 of 2 records have a label that contradicts their times"
    ):
        labels.derive(table, config())


def test_label_1_after_the_horizon_is_no_contradiction() -> None:
    found = labels.derive(frame((1, 500, None, 900), (0, None, None, 400)), config())
    assert found.label.tolist() == [0, 0]
    assert np.isfinite(found.time).all()
