"""Which heads have a horizon, and what is known of an endpoint by its day."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from components.core.config.heads import HeadMap
from components.core.config.task import TaskConfig
from components.core.errors import CardioError
from components.core.heads.registry import from_json
from components.evaluate.endpoints.counts import Counts, counts_of, died_before
from components.evaluate.endpoints.outlook import Outlook, has_endpoints, outlooks
from components.evaluate.heads.tables import of_times
from tests.chain import LABEL, task_config

RECURRENCE = Outlook(name="back", endpoint="recurrence", horizon_days=730, primary=False)
HEADS: dict[str, Any] = {
    "toy": {"kind": "binary"},
    "back": {"kind": "binary", "endpoint": "recurrence", "horizon_days": 730},
    "low": {"kind": "binary", "target": "lvef", "below": 50},
    "when": {"kind": "survival", "endpoint": "recurrence"},
}


def task(*names: str, horizon: float | None = 1826) -> TaskConfig:
    label = LABEL | {"horizon_days": horizon}
    return task_config(label=label, heads={name: HEADS[name] for name in names})


def test_binary_heads_with_a_day_are_outlooks() -> None:
    first, second = outlooks(task("toy", "back", "low", "when"))
    assert first == Outlook(name="toy", endpoint="", horizon_days=1826, primary=True)
    assert second == RECURRENCE
    assert (first.time, second.time) == ("time_days", "time_days.recurrence")
    assert second.code == "event_code.recurrence"


def test_a_label_as_given_has_no_day() -> None:
    assert outlooks(task("toy", "low", horizon=None)) == []
    assert [each.name for each in outlooks(task("toy", "back", horizon=None))] == ["back"]


@pytest.mark.parametrize(
    ("names", "expected"), [(("toy", "low"), False), (("back",), True), (("toy", "when"), True)]
)
def test_another_endpoint_than_the_labels(names: tuple[str, ...], *, expected: bool) -> None:
    heads = cast(HeadMap, from_json({name: HEADS[name] for name in names}))
    assert has_endpoints(heads) is expected


def frame() -> pd.DataFrame:
    days = [100.0, 800.0, 730.0, 200.0, 731.0, 729.0, 730.0, np.nan, 100.0]
    codes = [1, 1, 1, 2, 2, 0, 0, None, 1]
    return pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(9)],
            "patient_id": [*(f"p{i}" for i in range(8)), "p0"],
            "time_days.recurrence": days,
            "event_code.recurrence": pd.Series(codes, dtype="Int8"),
        }
    )


def test_death_before_is_known_and_censoring_before_is_masked() -> None:
    found = counts_of(frame(), RECURRENCE)
    # An event or a last contact on the day itself counts; the second record of p0 does not.
    assert found == Counts(events=2, competing=1, free=3, censored=1, untimed=1)
    assert found.evaluable == 6
    assert found.raw_prevalence == pytest.approx(2 / 6)
    nobody = Counts(events=0, competing=0, free=0, censored=4, untimed=0)
    assert np.isnan(nobody.raw_prevalence)


def test_who_died_before_is_told_row_by_row() -> None:
    assert died_before(frame(), RECURRENCE).tolist() == [
        False, False, False, True, False, False, False, False, False,
    ]  # fmt: skip


def test_an_endpoint_takes_the_place_of_the_label() -> None:
    own = frame().assign(time_days=1.0, event_code=0)
    found = of_times(own, "recurrence")
    assert found["time_days"].tolist()[:2] == [100.0, 800.0]
    assert of_times(own, "") is own
    with pytest.raises(CardioError, match=r"lack the column\(s\) time_days.other"):
        of_times(own, "other")
    with pytest.raises(CardioError, match="lack the column"):
        counts_of(own.drop(columns="time_days.recurrence"), RECURRENCE)
