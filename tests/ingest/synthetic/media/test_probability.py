"""The true probabilities: calibrated, of the strengths that are promised, checked by simulation."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import morphology_scores, substrate_estimate
from components.ingest.synthetic.media.disease import (
    MURMUR_LOADING,
    S3_LOADING,
    Disease,
    draw_condition,
)
from components.ingest.synthetic.media.probability import INPUTS, SUBSETS, MediaOracle, Seen
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

FloatArray = npt.NDArray[np.float64]
SIZE = 8_000
# The names are public: they are columns of the truth.
NAMES = (
    "tabular", "ecg_image", "pcg", "tabular_ecg_image", "tabular_pcg", "ecg_image_pcg",
    "tabular_ecg_image_pcg",
)  # fmt: skip


@lru_cache(maxsize=4)
def simulated(asked: tuple[tuple[str, object], ...] = ()) -> tuple[Seen, FloatArray, Disease]:
    """Return `SIZE` patients in numbers, their labels and the mechanism."""
    disease = Disease.of(SyntheticOptions.model_validate({"media": True, **dict(asked)}))
    people = draw_reference(SIZE)
    condition = draw_condition(people, disease, stream(5, "condition"))
    scores = morphology_scores(people, gain=np.ones(SIZE), rng=stream(5, "scores"))
    third, murmur = condition.s3 / S3_LOADING, condition.murmur / MURMUR_LOADING
    seen = Seen(
        cohort=people,
        estimates=np.column_stack([substrate_estimate(scores), third, murmur]),
        there={name: np.ones(SIZE, dtype=np.bool_) for name in INPUTS},
    )
    return seen, condition.abnormal.astype(np.float64), disease


@lru_cache(maxsize=4)
def answered(asked: tuple[tuple[str, object], ...] = ()) -> dict[str, FloatArray]:
    seen, _, disease = simulated(asked)
    return MediaOracle(disease, reference=1_500).probabilities(seen)


def test_subsets_are_named_in_the_order_of_the_modalities() -> None:
    assert tuple("_".join(subset) for subset in SUBSETS) == NAMES
    assert tuple(answered()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_calibrated(name: str) -> None:
    _, label, _ = simulated()
    p = answered()[name]
    logit = np.log(p / (1 - p))
    slope = LogisticRegression(C=1e8).fit(logit[:, None], label).coef_[0, 0]
    # Two standard errors of slope and mean at this size, and the small reference population.
    assert 0.90 < slope < 1.10
    assert abs(p.mean() - label.mean()) < 0.015


def test_each_input_alone_and_all_together_are_as_strong_as_promised() -> None:
    _, label, _ = simulated()
    auroc = {name: roc_auc_score(label, p) for name, p in answered().items()}
    for name in INPUTS:
        assert 0.65 < auroc[name] < 0.80
    assert 0.82 < auroc["tabular_ecg_image_pcg"] < 0.89
    for subset in SUBSETS:
        for larger in SUBSETS:
            if set(subset) < set(larger):
                assert auroc["_".join(larger)] > auroc["_".join(subset)] + 0.01


def test_a_dominant_clinical_variable_tells_most_and_leaves_the_others_something() -> None:
    asked = (("dominant", "clinical"),)
    _, label, disease = simulated(asked)
    auroc = {name: roc_auc_score(label, p) for name, p in answered(asked).items()}
    assert list(disease.clinical) == ["lvef_baseline"]
    assert 0.82 < auroc["tabular"] < 0.89
    for other in ("pcg", "ecg_image"):
        assert 0.66 < auroc[other] < auroc["tabular"] - 0.1
    assert auroc["tabular_ecg_image_pcg"] > auroc["tabular"] + 0.05


@pytest.mark.parametrize("prevalence", [0.1, 0.7, 0.911])
def test_the_prevalence_is_the_one_that_was_asked_for(prevalence: float) -> None:
    _, label, _ = simulated((("media_prevalence", prevalence),))
    assert label.mean() == pytest.approx(prevalence, abs=0.015)


def test_closed_form_agrees_with_importance_sampling() -> None:
    """Draw latents by their prior, weight them by the likelihood of what one patient shows."""
    seen, _, disease = simulated()
    one = replace(
        seen,
        cohort=seen.cohort.take(slice(0, 1)),
        estimates=np.array([[0.8, -0.4, 1.1]]),
        there={name: np.ones(1, dtype=np.bool_) for name in INPUTS},
    )
    exact = MediaOracle(disease, reference=4_000).probabilities(one)
    rng = np.random.default_rng(3)
    v, own = rng.standard_normal((2, 400_000))
    q = 0.3 * v + np.sqrt(1 - 0.09) * own
    for name, people in (("tabular_ecg_image_pcg", one.cohort), ("pcg", draw_reference(400_000))):
        from components.ingest.synthetic.mechanism import ESTIMATE_VARIANCE, ecg_shift

        u = v + ecg_shift(people)
        log = -0.5 * (-0.4 - u) ** 2 / (1 / S3_LOADING**2 - 1)
        log += -0.5 * (1.1 - q) ** 2 / (1 / MURMUR_LOADING**2 - 1)
        log += -0.5 * (0.8 - u) ** 2 / ESTIMATE_VARIANCE if "ecg" in name else 0.0
        liability = disease.tabular(people) + disease.beta_v * v + disease.beta_q * q
        liability = liability + rng.standard_normal(len(v))
        expected = np.average(liability > disease.threshold, weights=np.exp(log))
        assert exact[name][0] == pytest.approx(expected, abs=0.01)


def test_what_is_absent_says_nothing() -> None:
    seen, _, disease = simulated()
    few = replace(
        seen,
        cohort=seen.cohort.take(slice(0, 3)),
        estimates=seen.estimates[:3],
        there={
            "tabular": np.array([True, False, True]),
            "ecg_image": np.array([True, True, False]),
            "pcg": np.array([True, False, False]),
        },
    )
    oracle = MediaOracle(disease, reference=500)
    p = oracle.probabilities(few)
    whole = oracle.probabilities(
        replace(few, there={name: np.ones(3, dtype=np.bool_) for name in INPUTS})
    )
    assert all(p[name][0] == whole[name][0] for name in NAMES)
    # The second has a picture alone; of nothing, the prevalence is left.
    assert p["tabular_ecg_image_pcg"][1] == whole["ecg_image"][1]
    assert p["tabular_pcg"][1] == pytest.approx(0.7, abs=0.02)
    assert p["ecg_image_pcg"][2] == p["pcg"][2] == p["ecg_image"][2]
    assert p["tabular_ecg_image_pcg"][2] == whole["tabular"][2]
