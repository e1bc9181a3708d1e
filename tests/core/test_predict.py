"""Logits of rows: in order, whatever the size of a batch, as the model gives them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from components.core.config.heads import BinaryHead
from components.core.data.batches import Normaliser, raw_batch
from components.core.data.cohort import Rows, read_part
from components.core.device import Place
from components.core.heads.registry import View
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.core.predict import predict
from components.core.store import Stage

CPU = Place("cpu", "fp32", "a CPU")
TOY = View(name="toy", head=BinaryHead())


@pytest.fixture
def rows(cohort: Callable[..., Stage]) -> Rows:
    return read_part(cohort(padded=5, missing_lead=1), "holdout", "train")


def test_logits_are_the_models_difference_in_the_order_of_the_rows(rows: Rows) -> None:
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    torch.manual_seed(0)
    model = build_model({"name": "ecg+tabular", "width": 4, "depth": 2}, spec).train()
    found = predict(model, rows, head=TOY, place=CPU)
    assert not model.training
    norm = rows.stats.norm()
    assert norm is not None
    with torch.no_grad():
        out = model(Normaliser(norm)(raw_batch(rows, np.arange(len(rows)))))["toy"]
    np.testing.assert_allclose(found, (out[:, 1] - out[:, 0]).numpy(), rtol=1e-4, atol=1e-6)
    small = predict(model, rows, head=TOY, place=CPU, batch=3)
    np.testing.assert_allclose(small, found, rtol=1e-4, atol=1e-6)


def test_a_tabular_cohort_is_predicted_without_ecg(cohort: Callable[..., Stage]) -> None:
    rows = read_part(cohort(ecg=False), "holdout", "val")
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    assert (spec.leads, spec.length) == (0, 0)
    model = build_model({"name": "tabular"}, spec)
    assert predict(model, rows, head=TOY, place=CPU).shape == (len(rows),)


def test_the_specification_follows_the_data(rows: Rows) -> None:
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    assert (spec.leads, spec.length, spec.heads) == (8, 128, {"toy": 2})
    assert spec.tabular == rows.tabular.shape[1]
