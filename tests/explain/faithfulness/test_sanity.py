"""Randomised parameters, noise, completeness: each check tells good from bad."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor, nn

from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.metrics.resampling import Plan
from components.explain import outputs
from components.explain.faithfulness import completeness as complete
from components.explain.faithfulness import randomisation, stability
from components.explain.faithfulness.agreement import row_mean, spearman
from components.explain.faithfulness.redrawn import drawn_seeds, redrawn, unlearned
from components.explain.subject import Subject
from tests.explain.toy import LEADS, LENGTH, Blind, Exact, Linear, Normed, subject

CONFIG = ExplainConfig(randomised=4, noisy=2)
PLAN = Plan(draws=200)
INDEX = np.arange(40)


def randomised(method: Exact, asked: Subject) -> randomisation.Randomised:
    said = method.explain(asked, INDEX, CONFIG).grouped["lead_segment"]
    return randomisation.randomised(asked, INDEX, method=method, grouped=said, config=CONFIG)


def test_agreement_of_an_exact_explanation_collapses() -> None:
    found = randomisation.agreements(randomised(Exact(), subject(records=40)), PLAN)
    assert abs(found["agreement"].value) < randomisation.COLLAPSED
    assert found["agreement"].lo < found["agreement"].value < found["agreement"].hi


def test_agreement_of_an_explanation_that_sees_the_input_alone_stays() -> None:
    both = randomised(Blind(), subject(records=40))
    found = randomisation.agreements(randomisation.pooled([both, both]), PLAN)
    assert found["agreement"].value == pytest.approx(1.0)
    assert found["cohort_agreement"].value == pytest.approx(1.0)
    assert len(both.patients) == 40


def of_signs(signs: tuple[float, ...]) -> randomisation.Randomised:
    """Return an explanation that is the input, of networks whose answers have these signs."""
    rng = np.random.default_rng(4)
    own = rng.normal(size=(30, 12)) + np.arange(12)
    noise = 0.1 * rng.normal(size=(len(signs), *own.shape))
    drawn = np.array(signs)[:, None, None] * own + noise
    patients = np.array([f"p{i}" for i in range(30)], object)
    names = tuple(f"g{k}" for k in range(12))
    return randomisation.Randomised(names=names, own=own, drawn=drawn, patients=patients)


@pytest.mark.parametrize("signs", [(1.0, -1.0), (-1.0, -1.0, 1.0), (1.0, 1.0)])
def test_agreement_does_not_cancel_over_networks_of_opposite_signs(
    signs: tuple[float, ...],
) -> None:
    found = randomisation.agreements(of_signs(signs), PLAN)
    for name in ("agreement", "cohort_agreement"):
        assert found[name].value > 0.9
        assert found[name].lo > 0.9


def test_folds_of_unequal_groups_are_compared_by_name() -> None:
    whole = of_signs((1.0,))
    order = [3, 0, 1, 2, *range(5, 12)]
    less = replace(
        whole,
        names=tuple(whole.names[k] for k in order),
        own=whole.own[:, order],
        drawn=whole.drawn[:, :, order],
    )
    both = randomisation.pooled([whole, less])
    assert both.names == whole.names
    np.testing.assert_array_equal(both.own[30:, order], less.own)
    assert np.isnan(both.own[30:, 4]).all()
    assert np.isnan(both.drawn[:, 30:, 4]).all()
    assert np.isfinite(both.drawn[:, :30]).all()


def test_records_without_a_beat_do_not_count() -> None:
    found = randomised(Blind(), subject(records=40, without_beat=tuple(range(1, 40))))
    assert np.isnan(found.agreement[:, 1:]).all()
    assert randomisation.agreements(found, PLAN)["agreement"].value == pytest.approx(1.0)


def test_every_parameter_is_drawn_anew_and_the_trained_network_is_left_alone() -> None:
    model = Linear()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn, again, other = redrawn(model, 1), redrawn(model, 1), redrawn(model, 2)
    for name, value in drawn.state_dict().items():
        assert not torch.equal(value, before[name])
        assert torch.equal(value, again.state_dict()[name])
        assert not torch.equal(value, other.state_dict()[name])
        assert torch.equal(model.state_dict()[name], before[name])


class Plain(nn.Module):
    """A network whose first weights are those of its modules, as `torch.manual_seed` gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(len(LEADS) * LENGTH, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return {"toy": self.out(self.hidden(batch["ecg"].flatten(1)).relu())}


def weight_of(subject: Subject) -> Tensor:
    return cast(Plain, subject.target.models[0]).hidden.weight.detach().flatten()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_drawn_network_is_no_trainings_beginning(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(seed)
    model = Plain()
    asked = subject(model, records=40)
    batch = asked.batch(INDEX)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(batch)["toy"], batch["label"]).backward()
        optimiser.step()
    drawn: list[Subject] = []

    def kept(own: Subject, index: np.ndarray[Any, Any], seeds: list[int]) -> list[Subject]:
        drawn.extend(unlearned(own, index, seeds))
        return drawn

    monkeypatch.setattr(randomisation, "unlearned", kept)
    randomised(Blind(), asked)
    for each in drawn:
        both = torch.stack([weight_of(asked), weight_of(each)])
        assert abs(float(torch.corrcoef(both)[0, 1])) < 0.1
    same = torch.stack([weight_of(asked), redrawn_weight(model, seed)])
    assert float(torch.corrcoef(same)[0, 1]) > 0.9


def redrawn_weight(model: Plain, seed: int) -> Tensor:
    return cast(Plain, redrawn(model, seed)).hidden.weight.detach().flatten()


def test_seeds_of_drawn_networks_are_their_own() -> None:
    seeds = drawn_seeds(0, 3) + drawn_seeds(1, 3)
    assert len(set(seeds)) == 6
    assert min(seeds) > 1_000_000
    assert drawn_seeds(0, 2) == drawn_seeds(0, 3)[:2]


def test_drawing_leaves_the_callers_random_numbers_alone() -> None:
    model = Linear()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    redrawn(model, 1)
    assert torch.equal(torch.rand(1), expected)


def test_batch_normalisation_is_settled_on_the_records() -> None:
    asked = subject(Normed(), records=40)
    (found,) = unlearned(asked, INDEX, [5])
    norm = cast(Normed, found.target.models[0]).norm
    batch = asked.batch(INDEX)["ecg"]
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, batch.mean((0, 2)))
    assert norm.momentum == pytest.approx(0.3)
    assert not found.target.training
    assert not norm.training


def noisy(method: Exact, asked: Subject, config: ExplainConfig = CONFIG) -> stability.Stability:
    said = method.explain(asked, INDEX, config).grouped["lead_segment"]
    found = stability.stability(asked, INDEX, method=method, grouped=said, config=config)
    assert found is not None
    return found


def test_small_noise_changes_little_and_large_noise_much() -> None:
    asked = subject(records=40)
    small = stability.figures(noisy(Exact(), asked), PLAN)
    loud = ExplainConfig(noisy=2, noise_sd=1.0)
    large = stability.figures(noisy(Exact(), asked, loud), PLAN)
    assert small["stability"].value > 0.95 > large["stability"].value
    assert small["relative_change"].value < 0.1 < large["relative_change"].value


def test_the_relative_change_grows_with_the_noise() -> None:
    asked = subject(records=40)
    double = ExplainConfig(noisy=2, noise_sd=2 * CONFIG.noise_sd)
    pair = [noisy(Exact(), asked, config).change.sum() for config in (CONFIG, double)]
    # The toy is linear: twice the noise moves its attributions twice as far.
    assert pair[1] / pair[0] == pytest.approx(2.0, rel=1e-3)


def test_noise_lies_on_real_samples_alone_and_is_the_records_own() -> None:
    asked = subject(records=40, missing={3: 1}, padded=True)
    loud = stability.noisy(asked, 0, CONFIG)
    change = loud.batch(INDEX)["ecg"] - asked.batch(INDEX)["ecg"]
    assert change[3, 1].abs().max() == 0
    assert change[:, :, -10:].abs().max() == 0
    assert change[0].std() > 0
    assert float(change[:, 0, :30].std()) == pytest.approx(CONFIG.noise_sd, rel=0.1)
    alone = loud.batch(np.array([7]))["ecg"][0]
    torch.testing.assert_close(alone, loud.batch(INDEX)["ecg"][7])
    other = stability.noisy(asked, 1, CONFIG).batch(INDEX)["ecg"]
    assert not torch.equal(other, loud.batch(INDEX)["ecg"])


def test_noise_needs_an_ecg() -> None:
    asked = subject(records=40)
    said = Exact().explain(asked, INDEX, CONFIG).grouped["lead_segment"]
    without = replace(asked, inputs=("tabular",))
    options: dict[str, Any] = {"method": Exact(), "grouped": said, "config": CONFIG}
    assert stability.stability(without, INDEX, **options) is None


def test_folds_are_joined_record_by_record() -> None:
    one = noisy(Exact(), subject(records=40))
    assert len(stability.pooled([one, one]).size) == 80


@pytest.mark.parametrize(("error", "share"), [(0.0, 0.0), (1e3, 1.0)])
def test_completeness_is_told_as_a_share_of_the_median_change(error: float, share: float) -> None:
    asked = subject(records=40)
    found = complete.completeness(asked, Exact(error=error).explain(asked, INDEX, CONFIG))
    assert found is not None
    told = complete.figures(complete.pooled([found, found]), PLAN)
    assert told["completeness_error"].value == pytest.approx(error / np.median(found.change))
    assert told["completeness_above"].value == share


def test_completeness_is_over_what_the_method_explains_once_read_back() -> None:
    asked = subject(records=40)
    said = Exact(error=1.0).explain(asked, INDEX, CONFIG)
    ids = asked.rows.frame["sample_id"].tolist()
    read = outputs.grouped_of([outputs.long_table(said, asked, INDEX, "exact")], ids)
    for each, over in ((read, ("ecg",)), (replace(read, over=()), ("ecg", "tabular"))):
        found = complete.completeness(asked, each)
        assert found is not None
        np.testing.assert_allclose(found.change, np.abs(complete.changes(asked, over)))


def test_the_change_is_that_of_what_a_method_explains() -> None:
    asked = subject(records=40)
    dense = Exact().explain(asked, INDEX, CONFIG).values["ecg"]
    changes = complete.changes(asked, ("ecg",))
    np.testing.assert_allclose(changes, dense.sum(axis=(1, 2)), atol=1e-3)
    assert not np.allclose(complete.changes(asked, ("ecg", "tabular")), changes)


def test_a_method_that_claims_none_has_no_completeness() -> None:
    asked = subject(records=40)
    assert complete.completeness(asked, Blind().explain(asked, INDEX, CONFIG)) is None


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=12))
def test_the_weighted_median_is_that_of_the_repeated_values(rows: list[tuple[int, int]]) -> None:
    values, times = (np.array(each) for each in zip(*rows, strict=True))
    if not times.sum():
        times = times + 1
    found = complete.weighted_median(values.astype(float), times[None].astype(float))
    assert found[0] == np.median(np.repeat(values, times))


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=5, max_size=20))
def test_the_rank_correlation_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array([each], float) for each in zip(*pairs, strict=True))
    found = spearman(first, second)[0]
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(first[0], second[0]).statistic)


def test_too_few_groups_have_no_rank_correlation() -> None:
    first = np.array([[1.0, 2.0, 3.0, 4.0, np.nan]])
    assert np.isnan(spearman(first, first)[0])


def test_the_mean_over_networks_leaves_out_what_is_not_known() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    np.testing.assert_array_equal(row_mean(values), [2.0, np.nan])
