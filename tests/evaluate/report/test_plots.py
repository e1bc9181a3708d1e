"""Plots show what the figures say; bands contain the curve and narrow with more patients."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.evaluate.report import plots
from components.evaluate.report.bands import GRID, bin_band, pr_band, roc_band
from components.evaluate.report.plots import Predictions

AREA = Interval(0.7, 0.6, 0.8, 200, 0, "m")
PLAN = Plan(draws=200)


def rows(patients: int, *, weighted: bool = False) -> Predictions:
    rng = np.random.default_rng(0)
    y = (rng.random(patients) < 0.3).astype(float)
    prob = 1 / (1 + np.exp(-(rng.normal(size=patients) + 1.2 * y - 1.5)))
    weight = rng.choice([0.0, 1.0, 2.0], patients) if weighted else None
    return Predictions(y=y, prob=prob, patient=np.arange(patients), weight=weight)


def texts(figure: plots.Figure) -> str:
    axes = figure.axes[0]
    legend = axes.get_legend()
    labels = [text.get_text() for text in legend.get_texts()] if legend else []
    return " ".join([*labels, axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")])


@pytest.mark.parametrize("weighted", [False, True])
def test_roc_plot_draws_the_curve_and_says_the_figure(weighted: bool) -> None:
    data = rows(200, weighted=weighted)
    figure = plots.roc_plot(data, AREA, point=(AREA, Interval(0.9, 0.8, 0.95, 200, 0, "m")))
    fpr, tpr, _ = roc_curve(data.y, data.prob, sample_weight=data.weight, drop_intermediate=False)
    curve = figure.axes[0].lines[1]
    np.testing.assert_allclose(
        np.asarray(curve.get_xydata(), dtype=float), np.stack([fpr, tpr], axis=1), atol=1e-12
    )
    assert "AUROC 0.700 (0.600 to 0.800)" in texts(figure)
    marker = np.asarray(figure.axes[0].lines[-1].get_xydata(), dtype=float)
    np.testing.assert_allclose(marker, [[0.1, 0.7]])


def test_roc_plot_without_operating_point() -> None:
    assert "threshold" not in texts(plots.roc_plot(rows(100), AREA))


def test_pr_plot_has_the_weighted_prevalence_as_its_floor() -> None:
    data = rows(200, weighted=True)
    prevalence = np.average(data.y, weights=data.weight)
    found = texts(plots.pr_plot(data, AREA))
    assert f"chance: prevalence {prevalence:.3f}" in found
    assert "AUPRC 0.700" in found


@pytest.mark.parametrize("common", [False, True])
def test_the_legend_lies_beside_the_precision_recall_curve(common: bool) -> None:
    rare = rows(300)
    flipped = Predictions(y=1 - rare.y, prob=1 - rare.prob, patient=rare.patient)
    figure = plots.pr_plot(flipped if common else rare, AREA)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    legend = axes.get_legend()
    assert legend is not None
    curve = axes.transData.transform(np.asarray(axes.lines[-1].get_xydata(), dtype=float))
    box = legend.get_window_extent()
    assert not any(box.contains(x, y) for x, y in curve)


def test_calibration_plot_shows_before_and_after_on_one_scale() -> None:
    data = rows(300)
    both = plots.calibration_plot(data, data.prob**2)
    assert "before recalibration" in texts(both)
    alone = plots.calibration_plot(data)
    assert "before recalibration" not in texts(alone)
    top, bottom = both.axes
    assert top.get_xlim() == bottom.get_xlim() == top.get_ylim()
    assert (
        top.get_ylim()[1]
        >= bin_band(data.y, data.prob, data.patient, weight=None, plan=plots.BAND_PLAN).hi.max()
    )


def test_comparison_plot_has_a_row_for_each_model() -> None:
    models = [("this model", AREA), ("logistic regression", AREA), ("oracle", AREA)]
    figure = plots.comparison_plot(models, title="AUROC", chance=0.5)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["this model", "logistic regression", "oracle"]
    assert [text.get_text() for text in figure.axes[0].texts] == [AREA.text()] * 3
    assert len(figure.axes[0].lines) == 7
    assert len(plots.comparison_plot(models, title="AUROC").axes[0].lines) == 6


def test_files_are_whole_and_the_same_every_time() -> None:
    svg = [plots.render(plots.pr_plot(rows(80), AREA)) for _ in range(2)]
    assert svg[0] == svg[1]
    assert ET.fromstring(svg[0]).tag.endswith("svg")  # noqa: S314 - our own file
    png = plots.render(plots.pr_plot(rows(80), AREA), "png")
    assert png.startswith(b"\x89PNG")


def test_a_curve_of_many_rows_stays_small() -> None:
    curve = plots.roc_plot(rows(5000), AREA).axes[0].lines[1]
    assert np.shape(curve.get_xydata())[0] == 400


@pytest.mark.parametrize("weighted", [False, True])
def test_bands_contain_the_curve_and_narrow_with_more_patients(weighted: bool) -> None:
    widths = []
    for patients in (200, 3200):
        data = rows(patients, weighted=weighted)
        band = roc_band(data.y, data.prob, data.patient, weight=data.weight, plan=PLAN)
        fpr, tpr, _ = roc_curve(data.y, data.prob, sample_weight=data.weight)
        reached = np.array([tpr[fpr <= at + 1e-12].max() for at in GRID])
        assert (band.lo <= reached + 1e-9).all()
        assert (band.hi >= reached - 1e-9).all()
        assert (np.diff(band.lo) >= 0).all()
        widths.append((band.hi - band.lo)[20])
    assert widths[1] < 0.4 * widths[0]


def test_precision_at_full_recall_is_between_its_bounds() -> None:
    data = rows(400)
    band = pr_band(data.y, data.prob, data.patient, weight=None, plan=PLAN)
    lowest = data.prob[data.y == 1].min()
    precision = data.y.sum() / (data.prob >= lowest).sum()
    assert band.lo[-1] <= precision <= band.hi[-1]
    assert band.lo[-1] > 0.15
    assert np.isfinite(band.lo).all()


def test_bin_band_is_the_binomial_interval_for_single_rows() -> None:
    data = rows(4000)
    band = bin_band(data.y, data.prob, data.patient, weight=None, plan=Plan(draws=1000))
    order = np.argsort(data.prob)
    share = data.y[order].reshape(10, 400).mean(axis=1)
    width = 2 * 1.96 * np.sqrt(share * (1 - share) / 400)
    np.testing.assert_allclose(band.hi - band.lo, width, rtol=0.15)


def test_bands_of_one_class_are_undefined_where_they_must_be() -> None:
    y, prob, patient = np.zeros(30), np.linspace(0.1, 0.9, 30), np.arange(30)
    assert np.isnan(roc_band(y, prob, patient, weight=None, plan=PLAN).lo).all()
    assert np.isnan(pr_band(y, prob, patient, weight=None, plan=PLAN).hi).all()
    assert (bin_band(y, prob, patient, weight=None, plan=PLAN).hi == 0).all()
