"""Single records: who is shown, under which name, and in which unit."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import CardioError
from components.core.report.ecg_paper import Paper, Tracing
from components.explain.pictures.overlay import Answer, millivolts, overlay, shown


def answer(**changes: object) -> Answer:
    base = {"name": "row-7", "log_odds": 0.0, "baseline": -1.0, "sums": {"QRS": 0.8, "T": -0.2}}
    return Answer(**(base | changes))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["P0000123", "row-7 Jane", "row-", "xrow-7", "row-7\n", "row-7."])
def test_only_row_names_are_shown(name: str) -> None:
    with pytest.raises(CardioError, match="something else than row-N; take its name from") as told:
        answer(name=name)
    assert "P0000123" not in str(told.value)


def test_the_head_states_risk_baseline_and_sums() -> None:
    risk, sums = answer().facts()
    assert risk == "uncalibrated risk 50 % · log-odds 0.00, from −1.00 at the baseline"
    assert sums == "attribution in log-odds: QRS +0.80 · T −0.20"
    assert answer(risk=0.123, baseline=None).facts()[0] == "risk 12 % · log-odds 0.00"


def test_one_of_several_records_of_a_line_has_its_own_name() -> None:
    assert answer(name="row-7.2").name == "row-7.2"


def test_a_record_without_beats_has_no_sums() -> None:
    assert len(answer(sums={"QRS": float("nan")}).facts()) == 1


def test_the_picture_is_named_by_the_row() -> None:
    own = Tracing(signals=np.zeros((1, 500)), leads=("II",), fs=500.0)
    plot = overlay(own, answer(), paper=Paper())
    assert plot.name == "ecg-row-7"
    assert plot.wide
    assert "uncalibrated risk 50 %" in plot.alt
    assert "<title>row-7</title>" in plot.svg


def test_highest_lowest_and_middle_are_shown() -> None:
    risks = np.array([0.0, 5.0, -5.0, 1.0, 2.0])
    assert shown(risks, 3).tolist() == [1, 3, 2]
    assert shown(risks, 1).tolist() == [1]
    assert shown(risks, 0).tolist() == []
    assert shown(risks, 99).tolist() == [1, 4, 3, 0, 2]
    assert shown(np.zeros(0), 3).tolist() == []


def test_millivolts_undo_the_z_score_and_drop_what_was_not_recorded() -> None:
    z = np.ones((1, 2, 4), np.float32)
    real = np.ones((1, 2, 4), np.bool_)
    real[0, :, 3], real[0, 1] = False, False
    found = millivolts(z, mean=np.array([0.1, 0.0]), sd=np.array([0.5, 1.0]), real=real)
    np.testing.assert_allclose(found[0, 0, :3], 0.6)
    assert np.isnan(found[0, 0, 3])
    assert np.isnan(found[0, 1]).all()
