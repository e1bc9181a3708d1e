"""Tokens of embeddings, and embeddings of tokens."""

from __future__ import annotations

import torch

from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.projection import Outputs, Projection, Projections

LAYOUT = Layout({"emb_clinical": 2, "emb_temporal": 3})


def test_imputed_values_are_marked_by_the_learned_vector() -> None:
    one, values = Projection(3, 4), torch.randn(2, 3)
    found = one(values, torch.tensor([True, False]))
    torch.testing.assert_close(found[0], one.body(values)[0])
    torch.testing.assert_close(found[1] - one.absent, one.body(values)[1])


def test_a_token_is_of_its_own_modality_alone() -> None:
    project, values = Projections(LAYOUT, 4), torch.randn(2, 5)
    present = torch.ones(2, 2, dtype=torch.bool)
    other = torch.cat([values[:, :2], values[:, 2:] + 1], dim=1)
    before, after = project(values, present), project(other, present)
    assert before.shape == (2, 2, 4)
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.isclose(before[:, 1], after[:, 1]).all()


def test_equal_values_of_two_modalities_have_different_tokens() -> None:
    same = Layout({"emb_clinical": 2, "emb_temporal": 2})
    project = Projections(same, 4)
    project.each["emb_temporal"].load_state_dict(project.each["emb_clinical"].state_dict())
    found = project(torch.ones(1, 4), torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(found[0, 0] - found[0, 1], project.modality[0] - project.modality[1])


def test_decoding_starts_near_the_mean_in_full_precision() -> None:
    torch.manual_seed(0)
    tokens = torch.randn(50, 2, 16)
    full, slow = Outputs(LAYOUT, 16), Outputs(LAYOUT, 16, gain=0.1)
    slow.load_state_dict(full.state_dict())
    assert full(tokens).shape == (50, 5)
    assert 0 < full(tokens).abs().mean().item() < 0.2
    torch.testing.assert_close(slow(tokens), 0.1 * full(tokens))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert full(tokens).dtype == torch.float32
