"""Which modalities a branch looks at, and that weights reach the fusion."""

from __future__ import annotations

import pytest
import torch

from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.blocks.hcat.branches import Fusion, branches

OWN = {"temporal": {0, 2}, "spatial": {3, 4}, "semantic": {1}}


def tokens(count: int = 5) -> torch.Tensor:
    return torch.randn(3, count, 8, generator=torch.Generator().manual_seed(1))


def test_a_branch_looks_at_its_own_modalities_alone() -> None:
    torch.manual_seed(0)
    found = branches(EMBEDDED, d_model=8, heads=2, dropout=0.0)
    assert set(found) == set(OWN)
    for name, branch in found.items():
        own = tokens().requires_grad_()
        branch(own, torch.ones(3, 5)).square().sum().backward()
        assert own.grad is not None
        looked = own.grad.abs().sum((0, 2)).nonzero()[:, 0].tolist()
        assert set(looked) == OWN[name]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("emb_temporal",), {"temporal"}),
        (("emb_clinical", "emb_spatial"), {"temporal", "spatial"}),
        (("emb_semantic",), {"semantic"}),
    ],
)
def test_branches_without_a_modality_are_left_out(
    names: tuple[EmbeddingModality, ...], expected: set[str]
) -> None:
    torch.manual_seed(0)
    fusion = Fusion(names, d_model=8, heads=2, layers=1, dropout=0.0)
    assert set(fusion.branches) == expected
    found = fusion(tokens(len(names)), torch.ones(3, len(names)))
    assert found.shape == (3, 8)
    assert found.isfinite().all()


def test_a_modality_of_little_weight_moves_the_embedding_little() -> None:
    torch.manual_seed(0)
    fusion = Fusion(EMBEDDED, d_model=8, heads=2, layers=2, dropout=0.0).eval()
    own, other = tokens(), tokens()
    other[:, 4] = -other[:, 4]
    moved = []
    for least in (1.0, 0.1, 1e-6):
        weight = torch.ones(3, 5)
        weight[:, 4] = least
        with torch.no_grad():
            moved.append(float((fusion(own, weight) - fusion(other, weight)).abs().mean()))
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < 1e-3


def test_branches_count_by_the_best_of_their_modalities() -> None:
    torch.manual_seed(0)
    fusion = Fusion(EMBEDDED, d_model=8, heads=2, layers=1, dropout=0.0)
    found = fusion._counts(torch.tensor([[0.9, 0.5, 0.2, 0.1, 0.3]]))
    assert [round(float(each), 3) for each in found] == [0.9, 0.3, 0.5]
