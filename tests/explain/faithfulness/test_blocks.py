"""Blocks of embeddings' entries, against a network whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.attribution.groups import BLOCKS
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.data.cohort import read_part
from components.core.metrics.resampling import Plan
from components.core.modalities import EMBEDDED
from components.explain.faithfulness import section
from components.explain.faithfulness.examine import examine
from components.explain.faithfulness.parts import PART
from components.explain.faithfulness.removal import preferred, removal
from components.explain.lots import tiles_of
from components.explain.method import Method
from components.explain.methods import (
    feature_ablation,
    integrated_gradients,
    shapley_sampling,
)
from components.explain.subject import Subject
from tests.cohorts import ARRAY_SHAPES, CohortOptions, write_cohort
from tests.explain_subjects import VIEW, subject_of

CONFIG = ExplainConfig(steps=4, permutations=6, randomised=2, noisy=1, checked=24, orders=3)
METHODS = (integrated_gradients, feature_ablation)
# Absent embeddings count so much each.
TOKEN = 0.25
WIDTHS = {name: ARRAY_SHAPES[name][-1] for name in EMBEDDED}
# The widest has nine entries and eight blocks, the others as many blocks as entries.
COUNTS = {name: min(8, width) for name, width in WIDTHS.items()}


class Weighted(nn.Module):
    """Log-odds = Σ weight · entry, patches added up; `TOKEN` for what a record lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(width)) for name, width in WIDTHS.items()}
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        odds = torch.stack([self.each(batch, name) for name in EMBEDDED]).sum(0)
        return {VIEW.name: torch.stack([torch.zeros_like(odds), odds], dim=1)}

    def each(self, batch: Batch, name: str) -> Tensor:
        own = (batch[name] * self.weights[name]).flatten(1).sum(1)
        return torch.where(batch[f"{name}_mask"] > 0, own, torch.full_like(own, TOKEN))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        options = CohortOptions(ecg=False, arrays=EMBEDDED, patients=60)
        rows = read_part(write_cohort(options), "holdout", "train")
        torch.manual_seed(3)
        yield replace(
            subject_of([Weighted()], EMBEDDED, rows),
            columns={"emb_clinical": [f"c{k}" for k in range(WIDTHS["emb_clinical"])]},
        )


def expected(subject: Subject, name: str) -> np.ndarray:
    """Return `[n, G]` weight · (entry − mean) of each block, NaN where the embedding is absent."""
    batch = subject.batch(np.arange(len(subject)))
    network = subject.target.models[0]
    assert isinstance(network, Weighted)
    change = (batch[name] * network.weights[name]).detach().numpy().astype(np.float64)
    entries = change.reshape(len(subject), -1, WIDTHS[name]).sum(1)
    found = [own.sum(1) for own in np.array_split(entries, COUNTS[name], axis=1)]
    if COUNTS[name] < WIDTHS[name]:  # array_split puts the longer parts first as the tiles do
        assert np.bincount(tiles_of(subject)[BLOCKS[name]].numbers.ravel()).tolist() == [
            2, *[1] * 7,
        ]  # fmt: skip
    there = batch[f"{name}_mask"].numpy() > 0
    assert 0 < there.sum() < len(there)
    return np.where(there[:, None], np.stack(found, axis=1), np.nan)


@pytest.mark.parametrize("method", METHODS, ids=lambda each: each.NAME)
def test_blocks_of_a_linear_network_are_weight_times_difference(
    subject: Subject, method: Method
) -> None:
    said = method.explain(subject, np.arange(len(subject)), CONFIG)
    for name, kind in BLOCKS.items():
        own = said.grouped[kind]
        assert len(own.names) == COUNTS[name]
        np.testing.assert_allclose(own.values, expected(subject, name), atol=1e-5)
    assert said.grouped["block_clinical"].names[0] == "clinical entry 1: c0"
    assert said.grouped["block_semantic"].names[0] == "semantic entry 1"


def test_the_cost_of_ablation_counts_modalities_and_blocks_however_wide(subject: Subject) -> None:
    blocks = sum(COUNTS.values())
    assert feature_ablation.passes(subject, CONFIG) == 1 + len(EMBEDDED) + blocks
    assert blocks <= 8 * len(EMBEDDED)


def test_a_removed_block_takes_its_own_attribution_along(subject: Subject) -> None:
    index = np.arange(len(subject))
    own = preferred(integrated_gradients.explain(subject, index, CONFIG).grouped)
    assert own is not None
    assert own.kind == PART
    assert len(own.names) == sum(COUNTS.values())
    ready = removal(subject, index, own)
    nothing = np.zeros(own.values.shape, np.bool_)
    whole = ready.log_odds(nothing)
    batch = subject.batch(index)
    empty = subject.log_odds({**batch, **subject.baselines(batch)})
    np.testing.assert_allclose(ready.log_odds(~nothing), empty, atol=1e-5)
    for place in range(len(own.names)):
        gone = nothing.copy()
        gone[:, place] = True
        lost = whole - ready.log_odds(gone)
        np.testing.assert_allclose(lost, np.nan_to_num(own.values[:, place]), atol=1e-5)


@pytest.mark.parametrize("method", METHODS, ids=lambda each: each.NAME)
def test_an_exact_explanation_by_blocks_passes_every_check(
    subject: Subject, method: Method
) -> None:
    said = method.explain(subject, np.arange(len(subject)), CONFIG)
    told = section.figures(examine(subject, method, said, CONFIG), Plan(draws=200))
    assert told["deletion_gain"].lo > 0
    assert told["insertion_gain"].lo > 0
    assert told["agreement"].value < 0.3
    assert told["stability"].value > 0.9


def test_shapley_sampling_tells_of_whole_embeddings_and_that_orders_were_drawn(
    subject: Subject,
) -> None:
    said = shapley_sampling.explain(subject, np.arange(4), CONFIG)
    assert set(said.grouped) == {"modality"}
    assert said.remark.startswith("Shapley values of modalities, by sampled orders; what is not")
    fewer = replace(subject, inputs=EMBEDDED[:4])
    assert shapley_sampling.explain(fewer, np.arange(4), CONFIG).remark.startswith(
        "Shapley values of modalities, exact; what is not"
    )


def test_remarks_name_what_is_taken_apart_and_what_stands_for_the_rest(
    subject: Subject,
) -> None:
    said = feature_ablation.explain(subject, np.arange(4), CONFIG).remark
    assert "Blocks of entries are set to the baseline. " in said
    assert said.endswith(
        "What takes the place of a whole modality, of each embedding: what the networks make of "
        "its absence."
    )
