"""Imputation judged where the truth is planted: gain, no harm, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.imputation.answers import impute
from components.core.imputation.figures import (
    OVERALL,
    cosine_columns,
    coverage_columns,
    error_figures,
    mean_figures,
    of,
    pair_counts,
)
from components.core.imputation.fold import FoldImputer, fit_fold
from components.core.imputation.hide import half, more_often, one_at_a_time
from components.core.imputation.peers import ITERATIVE, KNN, MEAN, PEERS
from components.core.metrics.resampling import Plan
from tests.core.imputation.linear_gaussian import CPU, NAMES, Conditional, Parts, write_parts

PLAN = Plan(draws=200)


@pytest.fixture(scope="module")
def dependent(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("dependent"), dependent=True)


@pytest.fixture(scope="module")
def independent(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return write_parts(tmp_path_factory.mktemp("independent"), dependent=False)


def fitted(parts: Parts, **more: float) -> FoldImputer:
    return fit_fold(
        [Conditional(parts.law, parts.train.stats, **more)], parts.train, parts.val, CPU
    )


def test_where_modalities_depend_the_gain_over_mean_and_peers_is_shown(dependent: Parts) -> None:
    pairs, _ = fitted(dependent).judged(dependent.test)
    found = error_figures(pairs, NAMES, PEERS, PLAN)
    own = of(found, OVERALL)
    assert own["gain_over_mean"].lo > 0.3
    assert own["gain_over_knn"].lo > 0
    assert own["mse_relative_mean"].value == 1
    assert own["gain_over_mean"].value == pytest.approx(1 - own["mse_relative_model"].value)
    for name in NAMES:
        assert of(found, name)["gain_over_mean"].lo > 0
    cosine = mean_figures(pairs, NAMES, cosine_columns(PEERS), PLAN)
    assert of(cosine, OVERALL)["cosine_model"].lo > of(cosine, OVERALL)["cosine_knn"].value > 0


def test_where_they_do_not_it_comes_out_within_two_percent_of_the_mean(independent: Parts) -> None:
    bold = fitted(independent, bold=0.3)
    pairs, _ = bold.judged(independent.test)
    found = error_figures(pairs, NAMES, PEERS, PLAN)
    truth = bold.read(independent.test)
    hidden = one_at_a_time(truth.there)[0]
    raw = impute(bold.models, independent.test, CPU, names=NAMES, hidden=hidden)
    gap = truth.entries["emb_clinical"] - raw.mean["emb_clinical"]
    far = np.nanmean(gap**2) / np.nanmean(truth.entries["emb_clinical"] ** 2)
    assert far > 1.1  # what it says without mending
    for name in NAMES:
        for way in ("model", KNN, ITERATIVE):
            assert of(found, name)[f"mse_relative_{way}"].value < 1.02


@pytest.mark.parametrize("stated", [0.5, 1.0, 2.0])
def test_ninety_percent_intervals_cover_about_that_however_the_sd_is_stated(
    dependent: Parts, stated: float
) -> None:
    pairs, _ = fitted(dependent, stated=stated).judged(dependent.test)
    found = mean_figures(pairs, NAMES, coverage_columns(), PLAN)
    assert 0.85 < of(found, OVERALL)["coverage_90"].value < 0.95
    assert 0.45 < of(found, OVERALL)["coverage_50"].value < 0.55


def test_several_hidden_at_once_leave_less_to_go_by(dependent: Parts) -> None:
    imputer = fitted(dependent)
    there = imputer.read(dependent.test).there
    alone = error_figures(imputer.judged(dependent.test)[0], NAMES, PEERS, PLAN)
    many, _ = imputer.judged(dependent.test, half(there, seed=3))
    more = error_figures(many, NAMES, PEERS, PLAN)
    assert of(more, OVERALL)["gain_over_mean"].lo > 0
    assert len(many) < len(imputer.judged(dependent.test)[0])
    assert of(more, OVERALL)["gain_over_mean"].value <= of(alone, OVERALL)["gain_over_mean"].value
    assert pair_counts(many, NAMES)[OVERALL][0] == len(many)


def test_hidden_by_their_own_value_intervals_may_cover_less(dependent: Parts) -> None:
    imputer = fitted(dependent)
    truth = imputer.read(dependent.test)
    pairs, _ = imputer.judged(dependent.test)
    own = pairs[pairs["modality"] == "emb_clinical"]
    size = np.abs(truth.entries["emb_clinical"]).mean(axis=1)
    drawn = more_often(size, truth.column("emb_clinical"), seed=0)[own["place"]]
    found = mean_figures(own[drawn], NAMES, coverage_columns(), PLAN)
    whole = mean_figures(own, NAMES, coverage_columns(), PLAN)
    assert "emb_temporal|coverage_90" not in found  # nobody's is hidden
    less, more = found["emb_clinical|coverage_90"], whole["emb_clinical|coverage_90"]
    assert less.value < more.value


def test_several_seeds_answer_as_one_with_the_spread_between_them(dependent: Parts) -> None:
    models = [Conditional(dependent.law, dependent.train.stats, bold=b) for b in (0.0, 0.5)]
    both = fit_fold(models, dependent.train, dependent.val, CPU)
    said = both.answers(dependent.test)
    assert said.rounds.shape == (2, len(dependent.test), len(NAMES))
    alone = fitted(dependent).answers(dependent.test)
    factor = both.calibration.modalities["emb_clinical"].widen
    single = fitted(dependent).calibration.modalities["emb_clinical"].widen
    assert (said.sd["emb_clinical"] / factor).mean() > (alone.sd["emb_clinical"] / single).mean()


def test_nothing_is_learned_from_a_handful_of_validation_records(dependent: Parts) -> None:
    few = dependent.val.take(np.arange(6))
    model = Conditional(dependent.law, dependent.train.stats)
    imputer = fit_fold([model], dependent.train, few, CPU)
    for mending in imputer.calibration.modalities.values():
        assert (mending.shrink, mending.widen, mending.learned) == (0.0, 1.0, False)
    pairs, _ = imputer.judged(dependent.test)
    found = error_figures(pairs, NAMES, [MEAN, KNN], PLAN)
    assert of(found, OVERALL)["mse_relative_model"].value == pytest.approx(1)
    assert of(found, OVERALL)["mse_relative_knn"].value == pytest.approx(1)
