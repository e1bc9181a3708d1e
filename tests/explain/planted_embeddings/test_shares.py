"""Shares of embeddings beside the planted ones, on attributions made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from components.core.metrics.resampling import Plan
from components.explain.planted_embeddings.shares import shares_of

PLAN = Plan(draws=200)
NAMES = ("emb_clinical", "emb_semantic", "emb_temporal", "emb_pathological", "emb_spatial")
PATIENTS = np.repeat([f"p{k}" for k in range(60)], 2).astype(object)
SIZES = np.array([8.0, 6.0, 4.0, 2.0, 1.0])


def planted(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(PATIENTS), 5)) * SIZES
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 0] = np.where(np.isnan(values).all(axis=1), 1.0, values[:, 0])
    return values


def test_a_scaled_truth_has_its_shares_and_its_order() -> None:
    truth = planted()
    found = shares_of(NAMES, 3 * truth, truth, patients=PATIENTS, plan=PLAN)
    sums = np.nansum(np.abs(truth), axis=0)
    for place, name in enumerate(NAMES):
        own = found.each[name]
        assert own.share.value == pytest.approx(sums[place] / sums.sum())
        assert own.planted.value == pytest.approx(own.share.value)
        assert (own.ratio.lo, own.ratio.hi) == pytest.approx((1.0, 1.0))
        assert own.records == np.isfinite(truth[:, place]).sum()
        assert own.share.lo < own.share.value < own.share.hi
    assert found.order.value == pytest.approx(1.0)
    assert found.follows.value == pytest.approx(1.0)
    assert (found.records, found.patients) == (120, 60)


def test_the_reverse_order_and_the_wrong_sign_are_told() -> None:
    truth = planted()
    found = shares_of(NAMES, truth / SIZES**2, truth, patients=PATIENTS, plan=PLAN)
    assert found.order.value == pytest.approx(-1.0)
    assert found.each["emb_spatial"].ratio.value > 2 > found.each["emb_clinical"].ratio.value
    turned = shares_of(NAMES, -truth, truth, patients=PATIENTS, plan=PLAN)
    assert turned.order.value == pytest.approx(1.0)
    assert turned.follows.value == pytest.approx(-1.0)


def test_the_rank_correlation_is_spearmans_over_the_pairs_that_are_there() -> None:
    truth = planted()
    said = truth + 2 * np.random.default_rng(4).normal(size=truth.shape)
    known = np.isfinite(truth)
    found = shares_of(NAMES, said, truth, patients=PATIENTS, plan=PLAN)
    assert found.follows.value == pytest.approx(spearmanr(said[known], truth[known]).statistic)
    assert found.follows.lo < found.follows.value < found.follows.hi


def test_too_few_embeddings_have_no_order() -> None:
    truth = planted()[:, :4]
    found = shares_of(NAMES[:4], truth, truth, patients=PATIENTS, plan=PLAN)
    assert np.isnan(found.order.value)
    assert found.follows.value == pytest.approx(1.0)


def test_attributions_of_nothing_have_no_share() -> None:
    truth = planted()
    found = shares_of(NAMES, 0 * truth, truth, patients=PATIENTS, plan=PLAN)
    assert np.isnan(found.each["emb_clinical"].share.value)
    assert np.isnan(found.follows.value)
    assert found.each["emb_clinical"].planted.value > 0
