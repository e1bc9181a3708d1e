"""Weights of each head's own censoring, against the weights of the metric they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components.core.config.heads import (
    BinaryHead,
    ClassesHead,
    ConfidenceHead,
    HeadConfig,
    SurvivalHead,
)
from components.core.errors import InputError
from components.core.heads.censoring import censoring_of, endpoint_of, horizon_of, view_weights
from components.core.metrics.ipcw import ipcw_weights

RELAPSE = BinaryHead(endpoint="relapse", horizon_days=400)


def frame(n: int = 300, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in range(n)],
            "weight": rng.uniform(1, 2, n),
            "time_days": np.ceil(rng.uniform(1, 900, n)),
            "event_code": pd.array(rng.integers(0, 3, n), dtype="Int8"),
            "time_days.relapse": np.ceil(rng.uniform(1, 900, n)),
            "event_code.relapse": pd.array(rng.integers(0, 3, n), dtype="Int8"),
        }
    )


@pytest.mark.parametrize(
    ("head", "horizon", "endpoint"),
    [
        (RELAPSE, 400, "relapse"),
        (SurvivalHead(endpoint="relapse", horizons_days=(30, 60)), 60, "relapse"),
        (SurvivalHead(), 365, ""),
        (BinaryHead(), None, ""),
        (BinaryHead(target="lvef", below=50), None, ""),
        (ClassesHead(target="risk", classes=("a", "b")), None, ""),
        (ConfidenceHead(of="lvef"), None, ""),
    ],
)
def test_horizon_and_endpoint(head: HeadConfig, horizon: float | None, endpoint: str) -> None:
    assert (horizon_of(head), endpoint_of(head)) == (horizon, endpoint)


@pytest.mark.parametrize("head", [RELAPSE, SurvivalHead(endpoint="relapse", horizons_days=(400,))])
def test_weights_are_those_of_the_endpoints_own_censoring(head: HeadConfig) -> None:
    train, rows = frame(), frame(50, seed=1)
    expected = ipcw_weights(
        rows["time_days.relapse"], rows["event_code.relapse"], 400,
        fit_time=train["time_days.relapse"], fit_event=train["event_code.relapse"],
    )  # fmt: skip
    found = view_weights(head, rows, train)
    np.testing.assert_allclose(found, expected)
    lost = rows["event_code.relapse"].eq(0) & rows["time_days.relapse"].lt(400)
    assert (found == 0).tolist() == lost.tolist()


def test_a_patient_counts_once_and_who_has_no_time_weighs_nothing() -> None:
    train = frame()
    untimed = train.iloc[:40].assign(**{"time_days.relapse": np.nan})
    twice = pd.concat([train, train.iloc[:100], untimed], ignore_index=True)
    rows = frame(20, seed=2)
    rows.loc[3, "time_days.relapse"] = np.nan
    found = view_weights(RELAPSE, rows, twice)
    np.testing.assert_allclose(found, view_weights(RELAPSE, rows, train))
    assert found[3] == 0
    rows["time_days.relapse"] = np.nan
    assert not view_weights(RELAPSE, rows, train).any()


def test_the_labels_weights_and_those_of_a_target() -> None:
    rows = frame()
    np.testing.assert_array_equal(view_weights(BinaryHead(), rows, rows), rows["weight"])
    for head in (BinaryHead(target="lvef", below=50), ConfidenceHead(of="lvef")):
        assert (view_weights(head, rows, rows) == 1).all()


def test_a_survival_head_of_the_label_weighs_by_its_last_horizon() -> None:
    rows = frame()
    expected = ipcw_weights(
        rows["time_days"], rows["event_code"], 365,
        fit_time=rows["time_days"], fit_event=rows["event_code"],
    )  # fmt: skip
    np.testing.assert_allclose(view_weights(SurvivalHead(), rows, rows), expected)


def test_what_cannot_be_weighed_is_refused() -> None:
    rows = frame()
    with pytest.raises(InputError, match=r"lacks the column\(s\) time_days.stroke"):
        view_weights(BinaryHead(endpoint="stroke", horizon_days=1), rows, rows)
    with pytest.raises(InputError, match="nobody among 300 training records was followed for the"):
        censoring_of("relapse", rows.assign(**{"time_days.relapse": np.nan}))
    short = rows.assign(**{"time_days.relapse": 10.0, "event_code.relapse": 0})
    with pytest.raises(InputError, match="nobody was followed beyond 10 days"):
        view_weights(RELAPSE, rows, short)
