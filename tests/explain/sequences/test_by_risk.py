"""Figures of all stays, of high and of low risk, against the project's own means."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.metrics.column_means import mean_intervals
from components.core.metrics.resampling import Plan
from components.explain.sequences.by_risk import ALL, DIFFERENCE, HIGH, LOW, Stays, cells, figures
from components.explain.sequences.by_risk import frame as framed
from components.explain.sequences.risk import thirds

PLAN = Plan(draws=200)
RISK = np.array([3.0, -1.0, 2.0, 0.0, 5.0, -4.0, 1.0])


def stays(log_odds: np.ndarray = RISK, patients: list[str] | None = None) -> Stays:
    ids = patients or [f"p{k}" for k in range(len(log_odds))]
    return Stays(patients=np.array(ids, object), log_odds=log_odds, plan=PLAN)


def test_thirds_are_of_one_size() -> None:
    parts = thirds(RISK)
    assert parts is not None
    high, low = parts
    np.testing.assert_array_equal(np.flatnonzero(high), [0, 4])
    np.testing.assert_array_equal(np.flatnonzero(low), [1, 5])


def test_few_stays_are_not_parted() -> None:
    assert thirds(np.arange(5.0)) is None
    found = figures(np.ones((5, 1)), stays(np.arange(5.0)))
    assert list(found[0]) == [ALL]
    assert cells(found[0])[1:] == ("–", "–", "–", "5", "5")


def test_means_of_groups_and_their_difference() -> None:
    values = np.array([[1.0], [2.0], [np.nan], [4.0], [5.0], [np.nan], [7.0]])
    found = figures(values, stays())[0]
    assert found[ALL].interval.value == pytest.approx(19 / 5)
    assert found[HIGH].interval.value == pytest.approx(3)
    assert found[LOW].interval.value == pytest.approx(2)
    assert found[DIFFERENCE].interval.value == pytest.approx(1)
    assert [found[name].stays for name in (ALL, HIGH, LOW, DIFFERENCE)] == [5, 2, 1, 1]


def test_intervals_are_those_of_the_project() -> None:
    values = np.random.default_rng(0).normal(size=(7, 2))
    patients = ["a", "a", "b", "c", "d", "e", "f"]
    found = figures(values, stays(patients=patients))
    expected = mean_intervals(values, ["0", "1"], np.array(patients), plan=PLAN)
    own = found[1][ALL].interval
    assert own.value == pytest.approx(expected["1"].value)
    assert (own.lo, own.hi) == pytest.approx((expected["1"].lo, expected["1"].hi))
    assert (found[0][ALL].stays, found[0][ALL].patients) == (7, 6)


def test_one_patient_has_no_interval() -> None:
    found = figures(np.array([[0.25]]), stays(np.zeros(1)))
    assert cells(found[0]) == ("0.250", "–", "–", "–", "1", "1")
    table = framed([{"kind": "lab"}], found)
    assert table["value"].item() == 0.25
    assert table[["lo", "hi"]].isna().all(axis=None)


def test_the_table_has_a_row_per_group() -> None:
    found = figures(np.ones((7, 1)), stays())
    table = framed([{"kind": "lab"}], found)
    assert table["group"].tolist() == [ALL, HIGH, LOW, DIFFERENCE]
    assert table.loc[table["group"] == DIFFERENCE, "value"].item() == 0
    assert table["kind"].eq("lab").all()


def test_no_columns_have_no_figures() -> None:
    assert figures(np.zeros((7, 0)), stays()) == []
