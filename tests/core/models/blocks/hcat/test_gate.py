"""The weight of a modality rises with quality and confidence and falls with the stated SD."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.gate import QualityGate


@pytest.fixture
def gate() -> QualityGate:
    torch.manual_seed(0)
    return QualityGate(2, 8)


def weights(gate: QualityGate, *, there: bool = True, **changed: float) -> torch.Tensor:
    values = {"quality": 1.0, "confidence": 0.8, "sd": 0.5, **changed}
    return gate(
        torch.linspace(-1, 1, 32).reshape(2, 2, 8),
        present=torch.full((2, 2), there),
        **{name: torch.full((2, 2), value) for name, value in values.items()},
    )


def test_quality_counts_of_what_is_there(gate: QualityGate) -> None:
    assert (weights(gate, quality=0.2) < weights(gate, quality=0.9)).all()
    assert torch.equal(weights(gate, confidence=0.1, sd=3.0), weights(gate))


def test_uncertainty_counts_of_what_is_imputed(gate: QualityGate) -> None:
    imputed = weights(gate, there=False)
    assert (imputed < weights(gate)).all()
    assert (weights(gate, there=False, confidence=0.3) < imputed).all()
    assert (weights(gate, there=False, sd=0.9) < imputed).all()
    assert torch.equal(weights(gate, there=False, quality=0.0), imputed)


def test_a_large_sd_never_counts_for_it(gate: QualityGate) -> None:
    with torch.no_grad():
        gate.spread.fill_(-50.0)
    torch.testing.assert_close(weights(gate, there=False, sd=5.0), weights(gate, there=False))


def test_content_counts(gate: QualityGate) -> None:
    found = weights(gate)
    assert ((found > 0) & (found < 1)).all()
    assert found.unique().numel() == found.numel()
