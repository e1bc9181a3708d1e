"""The planted chances come true, and missing and dependence are as asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.modalities import EMBEDDED
from components.core.planted_factors import Seen, expected
from components.ingest.synthetic.embeddings.draw import Patients, draw_block
from components.ingest.synthetic.embeddings.mechanism import (
    DAYS_A_YEAR,
    DEATH,
    RECURRENCE,
    SPREAD,
    YEARLY,
    incidences,
    mechanism,
)
from components.ingest.synthetic.embeddings.probability import HORIZONS, probabilities
from components.ingest.synthetic.embeddings.truth import log_odds_slopes
from components.ingest.synthetic.options import SyntheticOptions

OPTIONS = SyntheticOptions(
    part="embeddings", patients=3_000, emb_widths=(12, 10, 8, 9, 11), broken_files=False
)
ALL = "_".join(EMBEDDED)


def blocks(options: SyntheticOptions) -> list[Patients]:
    planted = mechanism(options)
    return [draw_block(options, planted, block) for block in range(options.patients // 250)]


@pytest.fixture(scope="module")
def cohort() -> tuple[list[Patients], dict[str, np.ndarray]]:
    planted, drawn = mechanism(OPTIONS), blocks(OPTIONS)
    asked = (EMBEDDED, EMBEDDED[:2], EMBEDDED[:1], EMBEDDED[4:])
    each = [probabilities(planted, patients, asked) for patients in drawn]
    return drawn, {key: np.concatenate([one[key] for one in each]) for key in each[0]}


def events(drawn: list[Patients]) -> np.ndarray:
    days = [np.stack([p.course.death, p.course.recurrence], axis=1) for p in drawn]
    return np.concatenate(days) <= HORIZONS


def test_log_odds_move_with_the_log_hazards_as_the_truth_says() -> None:
    found = log_odds_slopes()
    # Of an exponential time T, d logit P(T <= t) / d log hazard is L / (1 - exp(-L)), L = hazard t.
    cumulated = YEARLY[DEATH] * HORIZONS[0] / DAYS_A_YEAR
    assert found["survival"][DEATH] == pytest.approx(cumulated / -np.expm1(-cumulated), abs=1e-5)
    assert found["survival"][RECURRENCE] == 0
    assert found["recurrence"][DEATH] < 0 < found["recurrence"][RECURRENCE]
    chances = incidences(np.array([[0.0, 0.0], [0.01, 0.02]]), HORIZONS)[:, 1]
    moved = np.log(chances / (1 - chances)) @ [-1, 1]
    own = found["recurrence"]
    assert moved == pytest.approx(0.01 * own[DEATH] + 0.02 * own[RECURRENCE], rel=0.02)
    assert found["survival_time"] == found["survival"]
    assert set(found) == {"survival", "recurrence", "survival_time", "recurrence_time"}


@pytest.mark.parametrize("given", ["factors", "full", ALL, "emb_spatial"])
def test_chances_come_true(
    cohort: tuple[list[Patients], dict[str, np.ndarray]], given: str
) -> None:
    drawn, chances = cohort
    happened = events(drawn)
    for place in (0, 1):
        tenth = pd.qcut(chances[given][:, place], 5, labels=False, duplicates="drop")
        table = pd.DataFrame({"y": happened[:, place], "p": chances[given][:, place]})
        means = table.groupby(tenth).agg(["mean", "count"])
        error = np.sqrt(means["p", "mean"] * (1 - means["p", "mean"]) / means["p", "count"])
        assert (np.abs(means["y", "mean"] - means["p", "mean"]) < 3.5 * error).all()


def test_more_is_known_of_more(
    cohort: tuple[list[Patients], dict[str, np.ndarray]],
) -> None:
    drawn, chances = cohort
    happened = events(drawn)
    order = ("factors", "full", ALL, "emb_clinical_emb_semantic", "emb_clinical")
    for place in (0, 1):
        found = [roc_auc_score(happened[:, place], chances[name][:, place]) for name in order]
        assert found == sorted(found, reverse=True)
        assert 0.82 < found[2] < 0.89


def test_prevalences_are_those_of_the_documentation(
    cohort: tuple[list[Patients], dict[str, np.ndarray]],
) -> None:
    death, recurrence = events(cohort[0]).mean(axis=0)
    assert 0.32 < death < 0.40
    assert 0.22 < recurrence < 0.29


def test_incidences_are_those_of_a_simulation() -> None:
    rng, hazards = np.random.default_rng(2), np.array([0.4, 1.2])
    (death, recurrence) = incidences(hazards, HORIZONS)
    rates = np.array([YEARLY[DEATH], YEARLY[RECURRENCE]]) * np.exp(hazards)
    days = rng.exponential(1.0, (200_000, 2)) / rates * DAYS_A_YEAR
    assert (days[:, 0] <= HORIZONS[0]).mean() == pytest.approx(death, abs=0.005)
    back = (days[:, 1] <= HORIZONS[1]) & (days[:, 1] < days[:, 0])
    assert back.mean() == pytest.approx(recurrence, abs=0.005)


def test_embeddings_are_missing_as_often_as_asked_for_and_spatial_ones_in_the_sick() -> None:
    options = OPTIONS.model_copy(update={"emb_missing": 0.4})
    drawn, planted = blocks(options), mechanism(options)
    there = {n: np.concatenate([p.there[n] for p in drawn]) for n in EMBEDDED}
    sick = np.concatenate([p.factors for p in drawn]) @ planted.risks[DEATH] / SPREAD[DEATH] > 0
    for name in EMBEDDED:
        assert there[name].mean() == pytest.approx(0.6, abs=0.03)
        gap = there[name][~sick].mean() - there[name][sick].mean()
        assert gap > 0.2 if name == "emb_spatial" else abs(gap) < 0.06


@pytest.mark.parametrize("dependence", [0.0, 0.5, 1.0])
def test_dependence_is_how_well_one_embedding_tells_of_another(dependence: float) -> None:
    options = OPTIONS.model_copy(update={"emb_dependence": dependence, "emb_missing": 0.0})
    planted, patients = mechanism(options), blocks(options)[0]
    assert planted.missing is None
    name, target = "emb_clinical", patients.vectors["emb_clinical"]
    mean, _ = expected(planted, name, Seen.of(patients.vectors))
    relative = ((target - mean) ** 2).mean() / ((target - target.mean(0)) ** 2).mean()
    least = {0.0: (0.98, 1.02), 0.5: (0.65, 0.85), 1.0: (0.3, 0.5)}[dependence]
    assert least[0] < relative < least[1]


def test_log_hazards_spread_alike_at_every_dependence() -> None:
    for dependence in (0.0, 0.7, 1.0):
        options = OPTIONS.model_copy(update={"emb_dependence": dependence})
        for endpoint, weights in mechanism(options).risks.items():
            assert np.linalg.norm(weights) == pytest.approx(SPREAD[endpoint])


def test_another_seed_is_another_hospital_with_the_same_mechanism() -> None:
    other = OPTIONS.model_copy(update={"seed": 7})
    ours, theirs = mechanism(OPTIONS), mechanism(other)
    for name in EMBEDDED:
        np.testing.assert_array_equal(ours.modalities[name].loadings,
                                      theirs.modalities[name].loadings)  # fmt: skip
    assert not np.allclose(blocks(OPTIONS)[0].factors, draw_block(other, theirs, 0).factors)


def test_the_truth_file_tells_what_was_planted(embedding_files: Path) -> None:
    told = json.loads((embedding_files / "truth.json").read_text())
    truth = pd.read_parquet(embedding_files / "truth.parquet")
    assert told["horizons_days"] == {"survival": 1826.0, "recurrence": 730.0}
    assert told["options"]["emb_dependence"] == 0.7
    some = truth[[f"has_{name}" for name in EMBEDDED]].any(axis=1)
    died = truth["death_day_uncensored"] <= 1826
    oracle = roc_auc_score(died[some], truth[f"p_survival_{ALL}"][some])
    assert told["oracle_auroc"]["survival"][ALL] == pytest.approx(oracle, abs=0.01)
    assert told["rates"]["survival"] == pytest.approx(died[some].mean(), abs=0.01)
    pd.testing.assert_series_equal(
        truth[f"p_survival_{ALL}"], truth[f"p_survival_time_{ALL}"], check_names=False
    )
