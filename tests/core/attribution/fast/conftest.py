"""Networks of every kind, with normalisations that have seen something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from components.core.attribution.target import Target
from components.core.config.heads import BinaryHead
from components.core.data.batches import Batch
from components.core.heads.registry import View
from components.core.modalities import EMBEDDED, ArrayModality
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec

WIDTHS: dict[ArrayModality, tuple[int, ...]] = dict.fromkeys(EMBEDDED, (4,))
SPEC = DataSpec(leads=3, length=210, tabular=4, text=6, arrays=WIDTHS, heads={"head": 2})
SMALL: dict[str, dict[str, Any]] = {
    "ecg": {"width": 8, "depth": 2, "kernel": 5},
    "ecg+tabular": {"width": 8, "depth": 2, "kernel": 5},
    "trunk": {"width": 8, "depth": 2, "kernel": 5, "hidden_size": 16},
}
MakeTarget = Callable[..., Target]
MakeBatch = Callable[..., Batch]


@pytest.fixture
def make_batch() -> MakeBatch:
    """Return a maker of finished batches: row 1 lacks a lead, row 2 its note, row 3 its table."""

    def make(count: int = 5, *, padded: bool = True, seed: int = 0) -> Batch:
        draw = torch.Generator().manual_seed(seed)
        batch = {
            "ecg": torch.randn(count, SPEC.leads, SPEC.length, generator=draw),
            "ecg_lead_mask": torch.ones(count, SPEC.leads),
            "tabular": torch.randn(count, SPEC.tabular, generator=draw),
            "tabular_mask": torch.ones(count),
            "text": torch.randn(count, SPEC.text, generator=draw),
            "text_mask": torch.ones(count),
        }
        for name, shape in WIDTHS.items():
            batch[name] = torch.randn(count, *shape, generator=draw)
            batch[f"{name}_mask"] = torch.ones(count)
        if padded:
            batch["ecg_lead_mask"][1, 2] = 0
            batch["text_mask"][2], batch["tabular_mask"][3] = 0, 0
            batch["ecg_valid"] = torch.tensor([[0, SPEC.length]]).repeat(count, 1)
            batch["ecg_valid"][0] = torch.tensor([37, 150])
            batch["ecg"][0, :, :37], batch["ecg"][0, :, 150:], batch["ecg"][1, 2] = 0, 0, 0
        return batch

    return make


@pytest.fixture
def make_target(make_batch: MakeBatch) -> MakeTarget:
    """Return a maker of targets of one or more networks of a model."""

    def make(name: str, networks: int = 1) -> Target:
        torch.manual_seed(0)
        made = [build_model({"name": name, **SMALL.get(name, {})}, SPEC) for _ in range(networks)]
        for model in made:
            for step in range(10):  # so that running means and variances are not 0 and 1
                model.train()(make_batch(16, padded=False, seed=step))
        view = View(name="head", head=BinaryHead())
        return Target([model.eval() for model in made], view)

    return make
