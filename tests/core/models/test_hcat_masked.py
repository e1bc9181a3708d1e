"""HCAT answering from what is there alone."""

from __future__ import annotations

import torch

from components.core.models.imputing import Masking
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec


def test_what_is_absent_takes_no_part_where_nothing_is_imputed() -> None:
    spec = DataSpec(
        leads=0, length=0, tabular=0, text=0, heads={"toy": 2},
        arrays={"emb_clinical": (6,), "emb_semantic": (5,), "emb_spatial": (4,)},
    )  # fmt: skip
    torch.manual_seed(0)
    model = build_model({"name": "hcat", "d_model": 16, "latent": 4}, spec).eval()
    assert isinstance(model, Masking)
    drawn = torch.Generator().manual_seed(1)
    batch = {name: torch.randn(7, *shape, generator=drawn) for name, shape in spec.arrays.items()}
    batch |= {f"{name}_mask": torch.ones(7) for name in spec.arrays}
    torch.testing.assert_close(model.masked(batch)["toy"], model(batch)["toy"])
    batch["emb_semantic"][:3] = 0
    batch["emb_semantic_mask"][:3] = 0
    gap = (model.masked(batch)["toy"] - model(batch)["toy"]).abs().amax(dim=1)
    assert (gap[:3] > 1e-6).all()
    torch.testing.assert_close(gap[3:], torch.zeros(4))
    with torch.no_grad():  # what is imputed changes, the answer without it does not
        before = model.masked(batch)["toy"]
        model.imputer.apply(_shake)
    torch.testing.assert_close(model.masked(batch)["toy"], before)


def _shake(module: torch.nn.Module) -> None:
    for each in module.parameters(recurse=False):
        each.add_(0.5)
