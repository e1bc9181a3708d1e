"""The planted probabilities are true: calibrated at 50,000 patients, per input set."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from components.ingest.synthetic.cohort import Cohort, draw_reference
from components.ingest.synthetic.mechanism import (
    DROP_POINTS,
    ESTIMATE_VARIANCE,
    Mechanism,
    ecg_shift,
    morphology_scores,
    subgroup_gain,
    substrate_estimate,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import INPUTS, Oracle, auroc
from components.ingest.synthetic.recordings import Drawn
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import simulate
from components.ingest.synthetic.truth import tabular_log_odds

FloatArray = npt.NDArray[np.float64]
SIZE = 50_000


def simulated(options: SyntheticOptions, cohort: Cohort | None = None) -> Drawn:
    people = draw_reference(SIZE) if cohort is None else cohort
    gain = subgroup_gain(people, options.subgroup_gap)
    return Drawn(
        cohort=people,
        gain=gain,
        scores=morphology_scores(people, gain=gain, rng=stream(11, "scores")),
        outcomes=simulate(people, Mechanism.of(options), stream(11, "course")),
    )


def slope_and_intercept(label: FloatArray, p: FloatArray) -> tuple[float, float]:
    """Return the logistic calibration slope, and the intercept at slope 1 (log of odds ratio)."""
    logit = np.log(p / (1 - p))
    slope = LogisticRegression(C=1e8).fit(logit[:, None], label).coef_[0, 0]
    intercept = np.log(label.mean() / (1 - label.mean())) - np.log(p.mean() / (1 - p.mean()))
    return float(slope), float(intercept)


@pytest.fixture(scope="module")
def default() -> tuple[Drawn, dict[str, FloatArray]]:
    drawn = simulated(SyntheticOptions())
    return drawn, Oracle(SyntheticOptions()).probabilities(drawn)


@pytest.mark.parametrize("name", INPUTS)
def test_probability_is_calibrated(default: tuple[Drawn, dict[str, FloatArray]], name: str) -> None:
    drawn, p = default
    slope, intercept = slope_and_intercept(drawn.outcomes.label_uncensored, p[name])
    assert slope == pytest.approx(1.0, abs=0.05)
    assert intercept == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("name", INPUTS)
def test_probability_is_calibrated_in_every_decile(
    default: tuple[Drawn, dict[str, FloatArray]], name: str
) -> None:
    drawn, p = default
    order = np.argsort(p[name])
    for part in np.array_split(order, 10):
        expected, seen = p[name][part].mean(), drawn.outcomes.label_uncensored[part].mean()
        # Four standard errors of a proportion.
        assert abs(seen - expected) < 4 * np.sqrt(expected * (1 - expected) / len(part))


def test_oracle_aurocs_meet_the_targets(default: tuple[Drawn, dict[str, FloatArray]]) -> None:
    drawn, p = default
    label = drawn.outcomes.label_uncensored
    assert 0.84 < roc_auc_score(label, p["p_ecg_tabular"]) < 0.88
    assert 0.74 < roc_auc_score(label, p["p_ecg"]) < 0.80
    assert 0.74 < roc_auc_score(label, p["p_tabular"]) < 0.80


def test_auroc_agrees_with_scikit_learn(default: tuple[Drawn, dict[str, FloatArray]]) -> None:
    drawn, p = default
    label, score = drawn.outcomes.label_uncensored[:999], np.round(p["p_ecg"][:999], 2)
    assert auroc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-4)
    assert auroc(np.ones(3), np.arange(3.0)) is None


def test_no_single_score_separates_the_classes(
    default: tuple[Drawn, dict[str, FloatArray]],
) -> None:
    drawn, _ = default
    for column in drawn.scores.T:
        assert 0.65 < roc_auc_score(drawn.outcomes.label_uncensored, column) < 0.75


def test_tabular_dominates_on_request() -> None:
    options = SyntheticOptions(dominant="clinical")
    drawn = simulated(options)
    p, label = Oracle(options).probabilities(drawn), drawn.outcomes.label_uncensored
    assert 0.10 < label.mean() < 0.15
    tabular, ecg = (roc_auc_score(label, p[name]) for name in ("p_tabular", "p_ecg"))
    assert tabular > 0.82
    assert tabular - ecg > 0.12


@pytest.mark.parametrize("subgroup", ["site=C", "sex=F"])
def test_subgroup_gap_weakens_the_ecg_there_alone_and_stays_calibrated(subgroup: str) -> None:
    options = SyntheticOptions(subgroup_gap=subgroup)
    drawn = simulated(options)
    p, label = Oracle(options).probabilities(drawn), drawn.outcomes.label_uncensored
    inside = drawn.gain < 1
    assert inside.any()
    assert not inside.all()
    weak, strong = (roc_auc_score(label[rows], p["p_ecg"][rows]) for rows in (inside, ~inside))
    assert strong - weak > 0.04
    for name in INPUTS:
        slope, intercept = slope_and_intercept(label[inside], p[name][inside])
        assert slope == pytest.approx(1.0, abs=0.12)
        assert intercept == pytest.approx(0.0, abs=0.08)


def test_estimate_is_unbiased_with_the_stated_variance() -> None:
    cohort = draw_reference(20_000)
    scores = morphology_scores(cohort, gain=np.ones(cohort.size), rng=stream(5, "scores"))
    error = substrate_estimate(scores) - cohort.vulnerability - ecg_shift(cohort)
    assert error.mean() == pytest.approx(0.0, abs=0.01)
    assert error.var() == pytest.approx(ESTIMATE_VARIANCE, rel=0.05)


def test_probability_is_that_of_simulation_for_one_patient() -> None:
    one = draw_reference(1)
    size = 40_000
    copies = {each.name: np.repeat(getattr(one, each.name), size) for each in fields(one)}
    copies["vulnerability"] = stream(6, "v").standard_normal(size)
    label = simulate(replace(one, **copies), Mechanism(), stream(6, "course")).label_uncensored
    drawn = simulated(SyntheticOptions(), one)
    expected = Oracle(SyntheticOptions()).probabilities(drawn)["p_tabular"][0]
    assert label.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / size))


def test_log_odds_have_the_signs_of_the_mechanism() -> None:
    found = tabular_log_odds(SyntheticOptions())
    assert found.pop("lvef_baseline") < 0
    assert set(found) == set(DROP_POINTS)
    ratios = [found[name] / points for name, points in DROP_POINTS.items()]
    assert min(ratios) > 0.2
    # Almost linear in the fall: the same log-odds per LVEF point whatever the column.
    assert max(ratios) / min(ratios) < 1.1
