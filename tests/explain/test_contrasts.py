"""Contrasts: what tells records with the event from those without."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.attribution.groups import SEGMENTS, Grouped, cell_names
from components.core.metrics.resampling import Plan
from components.explain.contrasts import by_segment, contrasts

LEADS = ("I", "II")
PLAN = Plan(draws=200, seed=0)
QRS = SEGMENTS.index("QRS")


def cells(values: np.ndarray) -> Grouped:
    return Grouped(kind="lead_segment", names=cell_names(LEADS), values=values)


def made(size: int = 60) -> tuple[Grouped, np.ndarray, np.ndarray]:
    """Return records whose QRS says 2 log-odds more with the event, lead I 1.5 of them."""
    rng = np.random.default_rng(0)
    truth = (np.arange(size) % 3 == 0).astype(float)
    values = rng.normal(0, 0.1, (size, len(LEADS), len(SEGMENTS)))
    values[:, 0, QRS] += 1.5 * truth
    values[:, 1, QRS] += 0.5 * truth
    patients = np.array([f"p{i // 2}" for i in range(size)], dtype=object)
    return cells(values.reshape(size, -1)), truth, patients


def test_the_segment_that_tells_them_apart_has_the_contrast() -> None:
    own, truth, patients = made()
    found = contrasts(own, truth, patients=patients, plan=PLAN)
    assert found["QRS"].value == pytest.approx(2.0, abs=0.1)
    assert found["QRS"].lo > 1.8
    for name in set(SEGMENTS) - {"QRS"}:
        assert found[name].lo < 0.1
        assert found[name].hi > -0.1


def test_a_missing_lead_counts_for_nothing_and_a_record_without_beat_is_left_out() -> None:
    own, truth, patients = made()
    values = own.values.copy()
    plain = contrasts(cells(values[2:]), truth[2:], patients=patients[2:], plan=PLAN)
    values[:2] = np.nan
    left = contrasts(cells(values), truth, patients=patients, plan=PLAN)
    assert left["QRS"].value == pytest.approx(plain["QRS"].value)
    values[5, : len(SEGMENTS)] = np.nan
    assert by_segment(cells(values))[5] == pytest.approx(values[5, len(SEGMENTS) :])


def test_records_of_unknown_truth_are_left_out() -> None:
    own, truth, patients = made()
    unknown = np.where(np.arange(len(truth)) < 30, np.nan, truth)
    found = contrasts(own, unknown, patients=patients, plan=PLAN)
    rest = contrasts(cells(own.values[30:]), truth[30:], patients=patients[30:], plan=PLAN)
    assert found["QRS"].value == pytest.approx(rest["QRS"].value)


def test_without_events_nothing_is_told_apart() -> None:
    own, truth, patients = made()
    found = contrasts(own, np.zeros(len(truth)), patients=patients, plan=PLAN)
    assert np.isnan(found["QRS"].value)
