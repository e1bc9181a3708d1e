"""The chances of the ICU part are what the mechanism says, calibrated, and within the bounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from components.core.data.stored_events import EVENT_KINDS
from components.ingest.synthetic.icu import mechanism
from components.ingest.synthetic.icu.draw import Stays, draw_stays
from components.ingest.synthetic.icu.mechanism import ADMISSION_TYPES, PLANTED
from components.ingest.synthetic.icu.probability import INPUTS, log_odds, probabilities, shares


@pytest.fixture(scope="module")
def many() -> Stays:
    """Return the kept stays of 20,000 patients."""
    stays = Stays.joined([draw_stays(5, block, broken=False) for block in range(80)])
    return stays.of(stays.kept)


@pytest.mark.parametrize("inputs", INPUTS)
def test_the_chances_are_calibrated(many: Stays, inputs: str) -> None:
    chance, died = probabilities(many)[inputs], many.died
    se = np.sqrt((chance * (1 - chance)).sum())
    assert abs(chance.sum() - died.sum()) < 3 * se
    fit = LogisticRegression(C=np.inf).fit(logit(chance)[:, None], died)
    assert fit.coef_[0, 0] == pytest.approx(1.0, abs=0.12)
    for tenth in np.array_split(np.argsort(chance), 10):
        expected = chance[tenth].sum()
        assert abs(died[tenth].sum() - expected) < 3.5 * np.sqrt(expected)


def test_mortality_and_the_best_possible_auroc_are_within_their_bounds(many: Stays) -> None:
    chances = probabilities(many)
    auroc = {name: roc_auc_score(many.died, own) for name, own in chances.items()}
    assert 0.08 <= many.died.mean() <= 0.12
    assert 0.82 <= auroc["events_tabular"] <= 0.88
    assert auroc["events"] < auroc["events_tabular"]
    assert 0.55 < auroc["tabular"] < 0.70


def test_the_default_size_has_enough_stays_and_deaths() -> None:
    stays = Stays.joined([draw_stays(20_240_501, block, broken=True) for block in range(12)])
    kept = stays.of(stays.kept)
    assert 2300 < kept.size < 2800
    assert kept.died.sum() >= 200
    assert len(set(kept.patient)) < kept.size
    assert {"left_before", "died_before"} <= set(stays.exit)


def test_logistic_regression_on_planted_events_and_static_features_reaches_the_best(
    many: Stays,
) -> None:
    half = many.size // 2
    types = many.admission_type[:, None] == np.arange(len(ADMISSION_TYPES))
    static = np.column_stack([(many.age - 65) / 16, types])
    best = roc_auc_score(many.died[half:], probabilities(many)["events_tabular"][half:])

    def reached(events: np.ndarray) -> float:
        x = np.column_stack([events, static]).astype(float)
        fit = LogisticRegression(max_iter=500).fit(x[:half], many.died[:half])
        return float(roc_auc_score(many.died[half:], fit.decision_function(x[half:])))

    assert reached(many.inside) == pytest.approx(best, abs=0.005)
    # Who cannot tell when an event was loses a fifth of what there is to gain.
    assert reached(many.inside | many.earlier) < best - 0.2 * (best - 0.5)


def test_the_same_event_earlier_adds_nothing(many: Stays) -> None:
    chance = probabilities(many)["events_tabular"]
    for place in range(len(PLANTED)):
        own = many.earlier[:, place]
        se = np.sqrt((chance * (1 - chance))[own].sum())
        assert abs(many.died[own].sum() - chance[own].sum()) < 3.5 * se


def test_the_chance_is_the_formula_of_the_mechanism() -> None:
    inside = np.zeros((2, len(PLANTED)), np.bool_)
    inside[1, 0] = inside[1, 2] = True
    own = mechanism.event_log_odds(inside)
    np.testing.assert_allclose(own, [0.0, PLANTED[0].log_odds + PLANTED[2].log_odds])
    urgent = list(ADMISSION_TYPES).index("URGENT")
    static = mechanism.static_log_odds(np.array([75.0, 65.0]), np.array([urgent, 0]))
    np.testing.assert_allclose(static, [10 * mechanism.LOG_ODDS_A_YEAR + 0.5, 0.0])
    stays = draw_stays(1, 0, broken=False)
    events, fixed = log_odds(stays)
    chance = probabilities(stays)["events_tabular"]
    whole = expit(mechanism.INTERCEPT + events + fixed)
    np.testing.assert_allclose(chance[stays.kept], whole[stays.kept])
    assert np.isnan(chance[~stays.kept]).all()


def test_severity_turns_from_early_to_late() -> None:
    one = np.ones(5)
    found = mechanism.severity(
        np.array([30.0, 18.0, 15.0, 12.0, -1.0]), early=2 * one, late=-one, after=7 * one
    )
    np.testing.assert_allclose(found, [2.0, 2.0, 0.5, -1.0, 7.0])


def test_shares_sum_to_one_and_events_carry_most() -> None:
    found = shares()
    assert sum(found.values()) == pytest.approx(1.0, abs=0.001)
    assert min(found.values()) > 0.03
    assert found["static"] < 0.2


def test_the_truth_file_tells_what_was_planted(icu_files: Path) -> None:
    told = json.loads((icu_files / "truth.json").read_text())
    truth = pd.read_parquet(icu_files / "truth.parquet")
    kept = truth[truth["exit"] == "kept"]
    assert told["counts"]["kept"] == len(kept)
    assert told["counts"]["deaths_of_kept"] == kept["died"].sum()
    assert told["rates"]["mortality"] == pytest.approx(kept["died"].mean(), abs=1e-4)
    for name, auroc in told["oracle_auroc"].items():
        assert auroc == pytest.approx(roc_auc_score(kept["died"], kept[f"p_{name}"]), abs=1e-4)
    assert {each["kind"] for each in told["planted"]} == set(EVENT_KINDS)
    for each in told["planted"]:
        assert each["stays_within"] == kept[f"planted_{each['name']}"].sum()
        assert each["stays_earlier"] == kept[f"earlier_{each['name']}"].sum()


def test_one_input_alone_is_the_formula_averaged_over_the_other() -> None:
    # Four times as many: a mean chance over 20,000 patients has a standard error of 0.0015.
    parts = (draw_stays(6, block, broken=False) for block in range(320))
    more = Stays.joined([stays.of(stays.kept) for stays in parts])
    events, static = log_odds(more)
    found, rows = probabilities(more), np.arange(0, more.size, 2000)
    for name, own, other in (("events", events, static), ("tabular", static, events)):
        averaged = expit(mechanism.INTERCEPT + own[rows, None] + other).mean(axis=1)
        np.testing.assert_allclose(found[name][rows], averaged, atol=0.004)
        assert np.abs(expit(mechanism.INTERCEPT + own[rows]) - averaged).max() > 0.012
