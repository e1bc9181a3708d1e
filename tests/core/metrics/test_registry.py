"""Every metric is found, says its range, and keeps to it."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import CardioError
from components.core.metrics.metric import RowWeights, Sample, statistics_for
from components.core.metrics.registry import add, all_metrics
from tests.core.metrics.data import predictions


def test_metrics_of_every_module_are_found() -> None:
    assert {"auroc", "auprc", "brier", "ece", "f1", "calibration_slope"} <= set(all_metrics())
    titles = [metric.title for metric in all_metrics().values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", sorted(all_metrics()))
def test_metric_is_within_its_range_and_ideal_for_a_perfect_model(name: str) -> None:
    metric = all_metrics()[name]
    data = predictions(41)
    found = statistics_for(Sample(y=data.y, score=data.prob, threshold=0.5), [metric])
    assert metric.lo <= found.value(RowWeights.observed(data.y.size))[name] <= metric.hi
    if metric.direction == "target":
        return
    perfect = statistics_for(Sample(y=data.y, score=data.y, threshold=0.5), [metric])
    assert perfect.value(RowWeights.observed(data.y.size))[name] == pytest.approx(metric.ideal)


@pytest.mark.parametrize("name", sorted(all_metrics()))
def test_weight_two_is_the_same_as_the_row_twice(name: str) -> None:
    data = predictions(42)
    weight = np.random.default_rng(0).integers(1, 4, data.y.size)
    rows = np.repeat(np.arange(data.y.size), weight)
    metric = all_metrics()[name]

    def value(pick: np.ndarray, own: np.ndarray | None) -> float:
        sample = Sample(y=data.y[pick], score=data.prob[pick], threshold=0.5, weight=own)
        row_weights = RowWeights.observed(pick.size, own)
        return statistics_for(sample, [metric]).value(row_weights)[name]

    weighted = value(np.arange(data.y.size), weight.astype(float))
    assert weighted == pytest.approx(value(rows, None), abs=1e-7)


def test_a_name_can_be_taken_only_once() -> None:
    metric = all_metrics()["auroc"]
    with pytest.raises(CardioError, match="two metrics are named 'auroc'"):
        add({"auroc": metric}, [metric])
