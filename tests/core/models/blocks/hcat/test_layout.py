"""All modalities side by side, and back."""

from __future__ import annotations

import torch

from components.core.models.blocks.hcat.layout import Layout

LAYOUT = Layout({"emb_clinical": 2, "emb_spatial": 3})
FLAT = torch.tensor([[1.0, 3.0, 0.0, 3.0, 6.0], [5.0, 5.0, 1.0, 1.0, 1.0]])


def test_every_modality_has_its_own_entries() -> None:
    found = LAYOUT.values(FLAT)
    assert LAYOUT.total == 5
    assert list(found) == ["emb_clinical", "emb_spatial"]
    assert torch.equal(found["emb_clinical"], FLAT[:, :2])
    assert torch.equal(found["emb_spatial"], FLAT[:, 2:])


def test_the_mean_is_within_a_modality_and_spreads_over_its_entries() -> None:
    mean = LAYOUT.mean(FLAT)
    assert mean.tolist() == [[2.0, 3.0], [5.0, 1.0]]
    assert LAYOUT.spread(mean)[0].tolist() == [2.0, 2.0, 3.0, 3.0, 3.0]
