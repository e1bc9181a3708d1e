"""The planted probabilities of the heads are true: calibrated on 50,000 patients."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.hazards import draw_future
from components.ingest.synthetic.surveillance.probability import (
    GRID,
    HEADS,
    INPUTS,
    SurveillanceOracle,
    outcomes_given,
)
from components.ingest.synthetic.surveillance.state import prior
from components.ingest.synthetic.trajectory import ECHO_SD
from tests.ingest.synthetic.surveillance.simulation import (
    FloatArray,
    Simulated,
    probabilities,
    simulated,
    slope_and_intercept,
)

SIZE = 54_000  # of whom 50,000 return
MAIN = ("lvef", "survival", "risk")
Found = tuple[Simulated, dict[str, FloatArray]]


@pytest.fixture(scope="module")
def found() -> Found:
    drawn = simulated(3, SIZE)
    return drawn, probabilities(SurveillanceOracle(Mechanism()), drawn.features)


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("head", HEADS)
def test_probability_is_calibrated(found: Found, head: str, inputs: str) -> None:
    drawn, p = found
    label = drawn.labels[head]
    slope, intercept = slope_and_intercept(label, p[f"{head}_{inputs}"])
    # 1,500 events within 30 days leave the slope three times the error of 7,000 by a year.
    margin = 0.05 if head in MAIN else 0.10
    assert slope == pytest.approx(1.0, abs=margin)
    assert intercept == pytest.approx(0.0, abs=margin)


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("head", MAIN)
def test_probability_is_calibrated_in_every_decile(found: Found, head: str, inputs: str) -> None:
    drawn, p = found
    label, values = drawn.labels[head], p[f"{head}_{inputs}"]
    for part in np.array_split(np.argsort(values), 10):
        expected = values[part].mean()
        error = np.sqrt(expected * (1 - expected) / len(part))
        assert abs(label[part].mean() - expected) < 4 * error


@pytest.mark.parametrize("head", MAIN)
def test_oracle_aurocs_meet_the_targets(found: Found, head: str) -> None:
    drawn, p = found
    auroc = {i: roc_auc_score(drawn.labels[head], p[f"{head}_{i}"]) for i in INPUTS}
    assert 0.82 <= auroc["ecg_text_tabular"] < 0.88
    for alone in ("ecg", "text", "tabular"):
        assert 0.70 < auroc[alone] < 0.80
    for pair in ("ecg_text", "ecg_tabular", "text_tabular"):
        parts = [auroc[name] for name in pair.split("_")]
        assert max(parts) < auroc[pair] < auroc["ecg_text_tabular"]


def test_rates_are_plausible(found: Found) -> None:
    labels = found[0].labels
    assert 0.12 < labels["lvef"].mean() < 0.18
    assert 0.10 < labels["survival"].mean() < 0.20
    assert 0.13 < labels["risk"].mean() < 0.17
    assert labels["survival_30d"].mean() < labels["survival_91d"].mean()


def test_chances_rise_with_the_horizon(found: Found) -> None:
    _, p = found
    order = ["survival_30d", "survival_91d", "survival_182d", "survival"]
    for inputs in INPUTS:
        steps = np.diff([p[f"{head}_{inputs}"] for head in order], axis=0)
        assert (steps > 0).all()


def test_prior_is_a_density_with_the_mean_of_the_simulation(found: Found) -> None:
    drawn, _ = found
    people = drawn.features.cohort.take(slice(0, 4_000))
    density = prior(people, Mechanism(), GRID)
    np.testing.assert_allclose(density.sum(axis=1), 1.0, atol=1e-4)
    expected = (density * GRID).sum(axis=1)
    seen = drawn.lvef[:4_000]
    assert (seen - expected).mean() == pytest.approx(0.0, abs=0.5)
    # One half of the variance is what the tabular columns leave open.
    assert np.corrcoef(expected, seen)[0, 1] == pytest.approx(
        np.std(expected) / np.std(seen), abs=0.05
    )


@pytest.mark.parametrize("lvef", [38.0, 47.0, 60.0])
def test_outcome_given_the_lvef_is_that_of_simulation(lvef: float) -> None:
    one, size = draw_reference(1), 60_000
    copies = {each.name: np.repeat(getattr(one, each.name), size) for each in fields(one)}
    people, level = replace(one, **copies), np.full(size, lvef)
    future = draw_future(people, level, np.full(size, 9e9), stream(1, "future"))
    at = int(np.flatnonzero(lvef == GRID)[0])
    expected = dict(zip(HEADS, outcomes_given(one)[:, 0, at], strict=True))
    noise = ECHO_SD * stream(1, "echo").standard_normal(size)
    seen = {
        "lvef": np.round(level + noise) < 50,
        "survival": future.event <= 365,
        "survival_91d": future.event <= 91,
    }
    for head, values in seen.items():
        error = np.sqrt(expected[head] * (1 - expected[head]) / size)
        assert values.mean() == pytest.approx(expected[head], abs=4 * error + 1e-9)


def test_a_wrong_likelihood_is_noticed() -> None:
    drawn = simulated(4, 4_000)
    mirrored = replace(drawn.features, scores=-drawn.features.scores)
    p = SurveillanceOracle(Mechanism(), reference=200).probabilities(mirrored)
    slope, _ = slope_and_intercept(drawn.labels["lvef"], p["lvef_ecg"])
    assert slope < 0
