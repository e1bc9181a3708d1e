"""Risk-coverage curves by brute force over every order of ties, by hand, and draw by draw."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.metric import RowWeights
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.selective import aurc, risk_coverage_points, selective
from tests.core.metrics.data import predictions

NAMES = (
    "aurc", "aurc_best", "aurc_random", "aurc_excess", "accuracy_at_coverage_50",
    "accuracy_at_coverage_80", "accuracy_at_coverage_90", "accuracy_at_coverage_100",
)  # fmt: skip


def brute(wrong: np.ndarray, confidence: np.ndarray) -> tuple[float, list[float]]:
    """Return AURC and accuracies, averaged over all orders that keep the confidence descending."""
    areas: list[float] = []
    accuracies: list[list[float]] = []
    for order in permutations(range(len(wrong))):
        if (np.diff(confidence[list(order)]) > 0).any():
            continue
        taken = wrong[list(order)]
        missed = np.cumsum(taken)
        areas.append(float(np.mean(missed / np.arange(1, len(taken) + 1))))
        each = []
        for share in (0.5, 0.8, 0.9, 1.0):
            allowed = share * len(taken)
            whole = int(allowed + 1e-12)
            part = allowed - whole
            lost = missed[whole - 1] if whole else 0.0
            if part > 1e-9:
                lost = lost + part * taken[whole]
            each.append(1 - lost / allowed)
        accuracies.append(each)
    return float(np.mean(areas)), np.mean(accuracies, axis=0).tolist()


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=6),
)
def test_agrees_with_brute_force(rows: list[tuple[int, int]]) -> None:
    wrong, confidence = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = selective(wrong, confidence).value(RowWeights.observed(wrong.size))
    area, accuracies = brute(wrong, confidence)
    best, _ = brute(np.sort(wrong), -np.arange(wrong.size, dtype=float))
    assert tuple(found) == NAMES
    assert found["aurc"] == pytest.approx(area, abs=1e-12)
    assert found["aurc_best"] == pytest.approx(best, abs=1e-12)
    assert found["aurc_excess"] == pytest.approx(area - best, abs=1e-12)
    assert [found[name] for name in NAMES[4:]] == pytest.approx(accuracies, abs=1e-12)


def test_by_hand() -> None:
    # Right, wrong, right, wrong from the most confident: risks 0, 1/2, 1/3, 2/4.
    assert aurc([0, 1, 0, 1], [4, 3, 2, 1]) == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_one_confidence_for_all_is_the_random_order() -> None:
    found = selective([1, 0, 0, 1, 0], [0.5] * 5).value(RowWeights.observed(5))
    assert found["aurc"] == found["aurc_random"] == pytest.approx(0.4)
    assert found["accuracy_at_coverage_50"] == pytest.approx(0.6)


def test_without_a_wrong_answer_the_area_is_0() -> None:
    found = selective([0, 0, 0], [1, 2, 3]).value(RowWeights.observed(3))
    assert [found[name] for name in NAMES] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_whole_weight_is_so_many_rows() -> None:
    wrong, confidence, weight = [1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1], [2, 1, 3, 2]
    rows = np.repeat(np.arange(4), weight)
    repeated = aurc(np.array(wrong)[rows], np.array(confidence)[rows])
    assert aurc(wrong, confidence, weight) == pytest.approx(repeated)


def test_each_draw_is_the_figure_of_the_drawn_rows() -> None:
    data = predictions(2)
    wrong, confidence = data.y, np.round(data.prob, 2)
    _, place = np.unique(data.patient, return_inverse=True)
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 3, (5, place.max() + 1))
    found = selective(wrong, confidence).evaluate(RowWeights(counts, place))
    for drawn, figures in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(place.size), drawn[place])
        assert figures[0] == pytest.approx(aurc(wrong[rows], confidence[rows]))


def test_the_interval_holds_the_value() -> None:
    data = predictions(3)
    plan = Plan(draws=200)
    within = clusters(data.patient, data.y, weight=None, plan=plan)
    found = intervals(selective(data.y, -data.prob), within, weight=None, plan=plan)
    for each in found.values():
        assert each.lo <= each.value <= each.hi
    assert found["aurc_best"].value < found["aurc"].value < found["aurc_random"].value


def test_the_curve_ends_at_the_error_rate() -> None:
    curve = risk_coverage_points([0, 1, 0, 1], [0.9, 0.7, 0.7, 0.1])
    assert curve.x.tolist() == [0.25, 0.75, 1.0]
    assert curve.y.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    assert curve.threshold.tolist() == [0.9, 0.7, 0.1]
    weighted = risk_coverage_points([0, 1], [2, 1], [3, 1])
    assert weighted.x.tolist() == [0.75, 1.0]
    assert weighted.y.tolist() == [0.0, 0.25]


@pytest.mark.parametrize("share", [0.0, 1.1, float("nan")])
def test_an_impossible_coverage_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=rf"the coverage is {share:g}; give a share"):
        selective([0, 1], [0.1, 0.2], coverages=(share,))


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="the confidence has 1 rows where 2 are needed"):
        aurc([0, 1], [0.3])
