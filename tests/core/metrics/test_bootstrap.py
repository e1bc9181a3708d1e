"""The bootstrap against a plain loop over drawn patients, its coverage, and its determinism."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer

from components.core.errors import ConfigError, InputError
from components.core.metrics import resampling
from components.core.metrics.bootstrap import (
    bootstrap,
    intervals,
    oracle_share,
    paired_difference,
    scales_of,
)
from components.core.metrics.calibration import recalibration
from components.core.metrics.metric import RowWeights, Sample, Statistic, looped, statistics_for
from components.core.metrics.registry import all_metrics, named
from components.core.metrics.resampling import Plan, clusters, replicate
from components.core.metrics.threshold import at_threshold
from tests.core.metrics.data import Predictions, predictions

FEW = Plan(draws=40, seed=3)


def drawn_rows(data: Predictions, plan: Plan) -> list[np.ndarray]:
    """Row numbers of each draw, rows repeated as often as their patient was drawn."""
    within = clusters(data.patient, data.y, weight=None, plan=plan)
    seen: list[np.ndarray] = []

    def note(weights: RowWeights) -> np.ndarray:
        counts = weights.take(np.arange(data.y.size)).astype(int)
        seen.extend(np.repeat(np.arange(data.y.size), row) for row in counts)
        return np.zeros((counts.shape[0], 1))

    replicate(Statistic(("rows",), note), within, weight=None, plan=plan)
    return seen


@pytest.fixture
def one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """All draws in one block, so that they are seen in order."""
    monkeypatch.setattr(resampling, "_BLOCK", 10**9)


@pytest.mark.usefixtures("one_block")
@pytest.mark.parametrize("weighted", [False, True])
def test_each_draw_is_what_a_plain_loop_computes(weighted: bool) -> None:
    data = predictions(21, patients=80)
    weight = data.weight if weighted else None
    sample = Sample(y=data.y, score=data.prob, threshold=0.4, weight=weight)
    statistic = statistics_for(sample, all_metrics().values())
    within = clusters(data.patient, data.y, weight=weight, plan=FEW)
    found = replicate(statistic, within, weight=weight, plan=FEW)
    for rows, figures in zip(drawn_rows(data, FEW), found, strict=True):
        y, prob = data.y[rows], data.prob[rows]
        own = None if weight is None else weight[rows]
        line = recalibration(y, prob, own)
        wanted = {
            "auroc": peer.roc_auc_score(y, prob, sample_weight=own),
            "auprc": peer.average_precision_score(y, prob, sample_weight=own),
            "brier": peer.brier_score_loss(y, prob, sample_weight=own),
            "calibration_slope": line.slope,
            "calibration_intercept": line.intercept,
            "calibration_in_the_large": line.in_the_large,
            **at_threshold(y, prob, 0.4, own),
        }
        got = dict(zip(statistic.names, figures, strict=True))
        assert {name: got[name] for name in wanted} == pytest.approx(wanted, abs=1e-6)


@pytest.mark.usefixtures("one_block")
def test_patients_are_drawn_whole_and_as_many_as_there_are() -> None:
    data = predictions(22, patients=60)
    for rows in drawn_rows(data, FEW):
        times = np.bincount(rows, minlength=data.y.size)
        for patient in np.unique(data.patient):
            assert np.unique(times[data.patient == patient]).size == 1
        _, first = np.unique(data.patient, return_index=True)
        assert times[first].sum() == 60


@pytest.mark.parametrize("blocks", [1, 500, 10**9])
def test_blocks_and_order_of_rows_change_nothing(
    blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = predictions(23, patients=50)
    wanted = bootstrap(data.y, data.prob, data.patient, metrics=["auroc", "ece"], plan=FEW)
    monkeypatch.setattr(resampling, "_BLOCK", blocks)
    order = np.random.default_rng(0).permutation(data.y.size)
    found = bootstrap(
        data.y[order], data.prob[order], data.patient[order], metrics=["auroc", "ece"], plan=FEW
    )
    for name, interval in wanted.items():
        assert (found[name].lo, found[name].hi) == pytest.approx((interval.lo, interval.hi))


def test_another_seed_gives_other_draws() -> None:
    data = predictions(23, patients=50)
    found = [
        bootstrap(data.y, data.prob, data.patient, plan=Plan(draws=50, seed=seed))["auroc"]
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_clustering_widens_the_interval_of_repeated_rows() -> None:
    data = predictions(24, patients=150)
    y, prob, patient = (np.repeat(a, 5) for a in (data.y, data.prob, data.patient))
    plan = Plan(draws=300)
    honest = bootstrap(y, prob, patient, metrics=["auroc"], plan=plan)["auroc"]
    naive = bootstrap(y, prob, np.arange(y.size), metrics=["auroc"], plan=plan)["auroc"]
    assert honest.hi - honest.lo > 1.8 * (naive.hi - naive.lo)


def test_rare_patients_are_drawn_apart_unless_told_otherwise() -> None:
    y = np.array([1.0] * 3 + [0.0] * 60)
    score = np.linspace(0, 1, 63)
    apart = bootstrap(y, score, np.arange(63), metrics=["auroc"], plan=Plan(draws=400))["auroc"]
    assert apart.undefined == 0
    assert apart.method.endswith("positive and negative apart (prevalence held fixed)")
    together = bootstrap(
        y, score, np.arange(63), metrics=["auroc"], plan=Plan(draws=400, strata="never")
    )["auroc"]
    # A draw misses all three with probability (60/63)⁶³ = 4.6 %.
    assert 5 <= together.undefined <= 40
    assert together.n_draws == 400
    assert np.isfinite([together.lo, together.hi]).all()
    # The scores separate the classes, so every draw reaches 1 and has no logit.
    words = "95 % expanded percentile bootstrap (no logit where a draw reaches 0 or 1), "
    assert together.method == f"{words}patients drawn with replacement"


def test_strata_are_by_patient_and_by_known_label() -> None:
    patient = np.repeat(np.arange(30), 2)
    y = np.zeros(60)
    y[[0, 3, 4]] = 1
    weight = np.ones(60)
    weight[4] = 0
    found = clusters(patient, y, weight=weight, plan=Plan())
    assert found.strata[0].tolist() == [0, 1]
    assert found.patients == 30
    assert len(clusters(patient, y, weight=weight, plan=Plan(strata="never")).strata) == 1
    assert len(clusters(patient, np.zeros(60), weight=None, plan=Plan()).strata) == 1
    half = np.repeat(np.arange(30) % 2, 2).astype(float)
    many, groups = np.tile(half, 2), np.concatenate([patient, patient + 30])
    assert len(clusters(groups, many, weight=None, plan=Plan()).strata) == 1
    assert len(clusters(groups, many, weight=None, plan=Plan(strata="always")).strata) == 2


def test_several_classes_are_strata_of_their_own() -> None:
    y = np.repeat([0.0, 1.0, 2.0], [40, 30, 5])
    found = clusters(np.arange(75), y, weight=None, plan=Plan())
    assert [stratum.size for stratum in found.strata] == [5, 30, 40]
    assert found.rarest == 5
    assert found.strata[0].tolist() == [70, 71, 72, 73, 74]


def test_the_area_under_the_curve_has_its_interval_on_the_logit_scale() -> None:
    data = predictions(29, patients=150, prevalence=0.2)
    found = bootstrap(data.y, data.prob, data.patient, metrics=["auroc", "auprc"], plan=FEW)
    assert found["auroc"].method == (
        "95 % bootstrap on the logit scale, patients drawn with replacement"
    )
    assert found["auprc"].method.startswith("95 % expanded percentile bootstrap, ")
    ours = found["auroc"]
    value, lo, hi = (np.log(x / (1 - x)) for x in (ours.value, ours.lo, ours.hi))
    assert hi - value == pytest.approx(value - lo)


def test_intervals_widen_with_few_patients_in_the_rarer_class() -> None:
    data = predictions(29, patients=150, prevalence=0.2)
    plain, wide = (
        bootstrap(data.y, data.prob, data.patient, metrics=["auprc"], plan=plan)["auprc"]
        for plan in (Plan(draws=400, corrected=False), Plan(draws=400))
    )
    events = np.unique(data.patient[data.y == 1]).size
    assert clusters(data.patient, data.y, weight=None, plan=Plan()).rarest == events
    assert plain.method.startswith("95 % percentile bootstrap")
    assert wide.value == plain.value
    assert 1.02 < (wide.hi - wide.lo) / (plain.hi - plain.lo) < 1.2
    within = clusters(data.patient, data.y, weight=None, plan=Plan())
    sample = Sample(y=data.y, score=data.prob)
    many = intervals(
        statistics_for(sample, named(["auprc"])),
        within,
        weight=None,
        plan=Plan(draws=400),
        patients={"auprc": 10**6},
    )["auprc"]
    assert (many.lo, many.hi) == pytest.approx((plain.lo, plain.hi), abs=1e-4)


def test_a_figure_without_one_class_spans_all_draws() -> None:
    data = predictions(30, patients=60)
    found = bootstrap(np.zeros(data.y.size), data.prob, data.patient, metrics=["brier"], plan=FEW)
    within = clusters(data.patient, None, weight=None, plan=FEW)
    assert within.rarest == 60
    sample = Sample(y=np.zeros(data.y.size), score=data.prob)
    draws = replicate(statistics_for(sample, named(["brier"])), within, weight=None, plan=FEW)
    assert (found["brier"].lo, found["brier"].hi) == (draws.min(), draws.max())


def test_figure_undefined_everywhere_has_no_bounds() -> None:
    found = bootstrap(np.zeros(10), np.linspace(0, 1, 10), np.arange(10), plan=FEW)["auroc"]
    assert np.isnan([found.value, found.lo, found.hi]).all()
    assert found.undefined == found.n_draws == 40
    assert found.text() == "undefined"


def test_interval_covers_the_truth_at_its_level() -> None:
    # Scores N(0, 1 + 0.6²) and N(1, 1 + 0.6²): AUROC = Φ(1/√(2·1.36)), one effect per patient.
    truth, covered, sets = 0.72787, 0, 200
    rng = np.random.default_rng(5)
    for number in range(sets):
        patient = np.repeat(np.arange(150), 3)
        y = np.repeat(rng.random(150) < 0.3, 3).astype(float)
        score = 0.6 * rng.normal(size=150)[patient] + rng.normal(size=450) + y
        plan = Plan(draws=300, seed=number)
        found = bootstrap(y, score, patient, metrics=["auroc"], plan=plan)["auroc"]
        covered += found.lo <= truth <= found.hi
    assert 0.90 <= covered / sets <= 0.99


def test_paired_difference_uses_the_same_draws() -> None:
    data = predictions(25)
    plan = Plan(draws=200)
    noisy = np.clip(data.prob + np.random.default_rng(0).normal(0, 0.02, data.y.size), 0, 1)
    found = paired_difference(data.y, (data.prob, noisy), data.patient, plan=plan)["auroc"]
    alone = bootstrap(data.y, data.prob, data.patient, metrics=["auroc"], plan=plan)["auroc"]
    assert found.hi - found.lo < 0.3 * (alone.hi - alone.lo)
    assert found.value == pytest.approx(
        peer.roc_auc_score(data.y, data.prob) - peer.roc_auc_score(data.y, noisy)
    )
    assert found.method.startswith("paired difference, 95 %")


def test_a_model_does_not_differ_from_itself() -> None:
    data = predictions(26, patients=50)
    found = paired_difference(
        data.y,
        (data.prob, data.prob),
        data.patient,
        metrics=["auroc", "f1"],
        thresholds=(0.4, np.full(data.y.size, 0.4)),
        plan=FEW,
    )
    assert all((i.value, i.lo, i.hi) == (0, 0, 0) for i in found.values())


def test_oracle_share() -> None:
    data = predictions(27)
    oracle = data.prob + data.y
    found = oracle_share(data.y, (data.prob, oracle), data.patient, plan=FEW)
    ours = peer.roc_auc_score(data.y, data.prob)
    assert found["oracle_auroc"].value == 1.0
    assert found["oracle_share"].value == pytest.approx((ours - 0.5) / 0.5)
    assert found["oracle_share"].lo < found["oracle_share"].value < found["oracle_share"].hi
    same = oracle_share(data.y, (oracle, oracle), data.patient, plan=FEW)["oracle_share"]
    assert (same.lo, same.hi) == (1.0, 1.0)


def test_share_of_an_oracle_at_chance_is_undefined() -> None:
    data = predictions(27)
    chance = np.zeros(data.y.size)
    found = oracle_share(data.y, (data.prob, chance), data.patient, plan=FEW)["oracle_share"]
    assert np.isnan(found.value)
    assert found.undefined == 40


@pytest.mark.usefixtures("one_block")
def test_a_figure_without_vectorised_form_plugs_in() -> None:
    data = predictions(28, patients=50)
    within = clusters(data.patient, None, weight=data.weight, plan=FEW)

    def mean(weight: np.ndarray) -> float:
        return float(weight @ data.prob / weight.sum())

    statistic = looped("mean", mean, rows=data.y.size)
    found = intervals(statistic, within, weight=data.weight, plan=FEW)["mean"]
    assert found.value == pytest.approx(np.average(data.prob, weights=data.weight))
    assert found.lo < found.value < found.hi


def test_separable_draws_leave_the_slope_undefined() -> None:
    y = np.array([0.0] * 12 + [1.0] * 4)
    prob = np.concatenate([np.linspace(0.05, 0.6, 12), [0.5, 0.7, 0.8, 0.9]])
    plan = Plan(draws=200)
    found = bootstrap(y, prob, np.arange(16), metrics=["calibration_slope"], plan=plan)
    assert 0 < found["calibration_slope"].undefined < 200


@pytest.mark.parametrize(("repeated", "kind"), [(1, np.int32), (50_000, np.int64)])
def test_sums_that_could_overflow_use_wide_integers(repeated: int, kind: type) -> None:
    ids = np.concatenate([np.zeros(repeated - 1, dtype=np.int64), np.arange(50_000)])
    within = clusters(ids, None, weight=None, plan=FEW)
    seen: list[np.dtype[Any]] = []

    def note(weights: RowWeights) -> np.ndarray:
        seen.append(weights.counts.dtype)
        return np.zeros((weights.counts.shape[0], 1))

    replicate(Statistic(("none",), note), within, weight=None, plan=Plan(draws=2))
    assert set(seen) == {np.dtype(kind)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": 0}, "draws is 0; it must be at least 1"),
        ({"level": 95.0}, "level is 95.0; give 0.95"),
        ({"strata": "yes"}, "strata is 'yes'; known are: auto, always, never"),
    ],
)
def test_bad_plans_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Plan(**options)


def test_bad_requests_are_refused() -> None:
    y, prob, ids = [0, 1], [0.1, 0.2], [1, 2]
    with pytest.raises(ConfigError, match="no metric 'aurok'; did you mean 'auroc'"):
        bootstrap(y, prob, ids, metrics=["aurok"])
    with pytest.raises(InputError, match="no metric was asked for"):
        bootstrap(y, prob, ids, metrics=[])
    with pytest.raises(InputError, match="'f1' needs a threshold"):
        bootstrap(y, prob, ids, metrics=["f1"])
    with pytest.raises(
        InputError, match="'brier' needs probabilities, but the score spans -3 to 2"
    ):
        bootstrap(y, [-3.0, 2.0], ids, metrics=["auroc", "brier"])
    with pytest.raises(InputError, match=r"patient ids have shape \(1,\) where 2 rows"):
        bootstrap(y, prob, [1])
    with pytest.raises(InputError, match=r"patient ids have shape \(\)"):
        clusters(3, None, weight=None, plan=FEW)
    with pytest.raises(InputError, match="the threshold has 1 rows where 2"):
        bootstrap(y, prob, ids, metrics=["f1"], threshold=np.array([0.5]))


def test_named_keeps_the_order_asked_for() -> None:
    sample = Sample(y=np.array([0.0, 1.0]), score=np.array([0.1, 0.9]), threshold=0.5)
    names = ("brier", "auroc", "f1", "ece", "auprc")
    found = statistics_for(sample, named(names))
    assert found.names == names
    values = found.value(RowWeights.observed(2))
    assert values["brier"] == pytest.approx(0.01)
    assert values["auprc"] == 1.0


def test_a_figure_of_a_part_keeps_its_metrics_scale() -> None:
    found = scales_of(["3|auroc", "leads_1|brier", "3|auroc_diff", "auroc", "gain"])
    assert found == {"3|auroc": "logit", "leads_1|brier": "plain", "auroc": "logit"}
