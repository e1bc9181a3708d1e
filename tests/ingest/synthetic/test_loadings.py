"""The ECG's signal in few scores: as strong as in all five, and told as what it is."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from components.core.errors import ConfigError
from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.loadings import ALL, FEATURES, LOADING, Loadings
from components.ingest.synthetic.mechanism import (
    ESTIMATE_VARIANCE,
    Mechanism,
    ecg_shift,
    estimate_weights,
    morphology_scores,
    substrate_estimate,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import Oracle
from components.ingest.synthetic.recordings import Drawn
from components.ingest.synthetic.sensitivity import signal_energy, signal_share
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import simulate
from components.ingest.synthetic.vcg import LEADS_8

SUBSETS = [names for size in range(1, 6) for names in combinations(FEATURES, size)]
T_OF_V3_TO_V6 = [(LEADS_8.index(lead), 3) for lead in ("V3", "V4", "V5", "V6")]


@pytest.mark.parametrize("names", SUBSETS)
def test_any_choice_carries_the_precision_of_all_five(names: tuple[str, ...]) -> None:
    found = Loadings.of(names)
    assert found.precision.sum() == pytest.approx(1.0 / ESTIMATE_VARIANCE)
    assert [value > 0 for value in found.values] == [name in names for name in FEATURES]


def test_one_score_has_the_loading_of_the_summed_precision() -> None:
    total = sum(a**2 / (1 - a**2) for a in LOADING.values())
    assert total == pytest.approx(6.06, abs=0.005)
    assert Loadings.of(("qtc",)).values[4] == pytest.approx(np.sqrt(total / (1 + total)))


def test_all_five_by_name_are_the_default() -> None:
    np.testing.assert_allclose(Loadings.of(FEATURES).values, ALL.values)
    np.testing.assert_array_equal(ALL.values, list(LOADING.values()))


def test_scores_that_are_left_out_vary_without_the_substrate() -> None:
    cohort = draw_reference(20_000)
    loadings = Loadings.of(("t_v5v6", "qtc"))
    scores = morphology_scores(
        cohort, gain=np.ones(cohort.size), rng=stream(5, "scores"), loadings=loadings
    )
    substrate = cohort.vulnerability + ecg_shift(cohort)
    # Five standard errors of a correlation of 20,000 are 0.035.
    assert all(abs(pearsonr(scores[:, i], substrate)[0]) < 0.035 for i in range(3))
    assert all(pearsonr(scores[:, i], substrate)[0] > 0.8 for i in (3, 4))
    np.testing.assert_allclose(scores[:, :3].var(axis=0), 1.0, rtol=0.06)
    error = substrate_estimate(scores, loadings) - substrate
    assert error.mean() == pytest.approx(0.0, abs=0.01)
    assert error.var() == pytest.approx(ESTIMATE_VARIANCE, rel=0.05)
    np.testing.assert_allclose(
        substrate_estimate(scores, loadings), scores @ estimate_weights(loadings)
    )


def test_the_share_follows_the_choice() -> None:
    energy = signal_energy(Loadings.of(("t_v5v6",)))
    share = energy / energy.sum()
    assert sum(share[cell] for cell in T_OF_V3_TO_V6) > 0.8
    assert share[:, :3].sum() < 1e-3
    told = signal_share(Loadings.of(("t_v5v6",)))
    assert {cell["segment"] for cell in told["causal"]} == {"T"}


@pytest.mark.parametrize("name", FEATURES)
def test_the_best_possible_auroc_stays(name: str) -> None:
    options = SyntheticOptions(ecg_scores=(name,))
    people = draw_reference(20_000)
    gain, loadings = np.ones(people.size), Loadings.of((name,))
    rng = stream(11, "scores")
    drawn = Drawn(
        cohort=people,
        gain=gain,
        scores=morphology_scores(people, gain=gain, rng=rng, loadings=loadings),
        outcomes=simulate(people, Mechanism.of(options), stream(11, "course")),
        loadings=loadings,
    )
    p, label = Oracle(options).probabilities(drawn), drawn.outcomes.label_uncensored
    assert 0.82 < roc_auc_score(label, p["p_ecg_tabular"]) < 0.88
    assert roc_auc_score(label, p["p_ecg"]) == pytest.approx(0.766, abs=0.02)


def test_the_truth_tells_the_choice(tmp_path: Path) -> None:
    generate(tmp_path, SyntheticOptions(patients=40, ecg_scores=("t_v5v6",)))
    told = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert told["options"]["ecg_scores"] == ["t_v5v6"]
    loadings = {name: each["loading"] for name, each in told["ecg"]["scores"].items()}
    assert loadings.pop("t_v5v6") == pytest.approx(0.9265, abs=1e-4)
    assert set(loadings.values()) == {0.0}
    assert sum(row["T"] for row in told["ecg"]["signal_share"].values()) > 0.99
    table = pq.read_table(tmp_path / "truth.parquet").to_pandas()
    # u is estimated by z / a where one score alone sees it.
    np.testing.assert_allclose(
        table["substrate_estimate"], table["score_t_v5v6"] / Loadings.of(("t_v5v6",)).values[3]
    )


def test_a_default_cohort_does_not_tell_of_the_choice() -> None:
    assert "ecg_scores" not in SyntheticOptions().told()


def test_unknown_score_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"called 't_v5v7' in ecg_scores; did you mean 't_v5v6'"):
        SyntheticOptions(ecg_scores=("t_v5v7",))


def test_a_score_named_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="ecg_scores names qtc, qtc; name each score once"):
        SyntheticOptions(ecg_scores=("qtc", "qtc"))
