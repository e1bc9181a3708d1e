"""Fixed measurements against numpy, and that they tell what cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.core.errors import ConfigError
from components.core.models.blocks.measured import (
    NAMES,
    WINDOWS,
    Measurements,
    measurements,
    pooled,
)
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec

FLOOR = 1e-3


def beats(seed: int = 0, *, batch: int = 3, leads: int = 2, length: int = 803) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(batch, leads, length)).cumsum(2).astype(np.float32))


def by_name(values: torch.Tensor) -> dict[str, np.ndarray]:
    return dict(zip(NAMES, np.moveaxis(values.numpy(), 2, 0), strict=True))


def test_each_measurement_is_numpys() -> None:
    ecg = beats()
    found, x = by_name(measurements(ecg, None)), ecg.numpy().astype(np.float64)
    windows = x[..., :800].reshape(3, 2, WINDOWS, 100)
    slope, span = np.abs(np.diff(windows)).mean(3), np.ptp(windows, axis=3)
    expected = {
        "slope": np.abs(np.diff(x)).mean(2), "highest_slope": slope.max(2),
        "lowest_slope": slope.min(2), "lowest_range": span.min(2), "highest_range": span.max(2),
        "middle_range": np.sort(span, axis=2)[..., WINDOWS // 2 - 1],
        "drift": np.ptp(windows.mean(3), axis=2), "range": np.ptp(x, axis=2),
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], np.log(values + FLOOR), rtol=1e-4, atol=1e-5)


def test_padding_does_not_count_and_records_may_end_differently() -> None:
    ecg = beats()
    valid = torch.tensor([[0, 803], [100, 500], [100, 500]])
    found = measurements(ecg, valid)
    torch.testing.assert_close(found[0], measurements(ecg[:1], None)[0])
    torch.testing.assert_close(found[1:], measurements(ecg[1:, :, 100:500], None))


def test_next_to_nothing_recorded_is_as_still_as_can_be() -> None:
    short = measurements(beats(), torch.tensor([[0, 0], [5, 12], [0, 803]]))
    torch.testing.assert_close(short[:2], torch.full((2, 2, len(NAMES)), float(np.log(FLOOR))))
    assert (short[2] > short[0]).all()


def test_missing_leads_are_left_out_and_counted() -> None:
    own = torch.tensor([[[1.0], [5.0], [3.0]], [[1.0], [5.0], [3.0]], [[1.0], [5.0], [3.0]]])
    mask = torch.tensor([[1.0, 1, 1], [1, 0, 1], [0, 0, 0]])
    expected = torch.tensor([[1, 3, 5, 0], [1, 2, 3, 1 / 3], [0, 0, 0, 1]])
    torch.testing.assert_close(pooled(own, mask), expected)


def test_a_loose_electrode_a_burst_and_wander_each_show_in_their_own_measurement() -> None:
    time = torch.arange(2500) / 250
    calm = torch.sin(2 * torch.pi * 6 * time).repeat(1, 2, 1)
    still, loud, adrift = calm.clone(), calm.clone(), calm.clone()
    still[0, 1, 900:1600] = 0
    loud[0, 1, 1000:1250] += 5 * torch.randn(250, generator=torch.Generator().manual_seed(0))
    adrift[0, 1] += 3 * torch.sin(2 * torch.pi * 0.1 * time)
    base = Measurements()(calm, torch.ones(1, 2))[0]

    def change(ecg: torch.Tensor, name: str, *, greatest: bool) -> float:
        place = NAMES.index(name) + (2 * len(NAMES) if greatest else 0)
        return float(Measurements()(ecg, torch.ones(1, 2))[0, place] - base[place])

    assert change(still, "lowest_range", greatest=False) < -3
    assert change(loud, "highest_slope", greatest=True) > 2
    assert change(adrift, "drift", greatest=True) > 2


def test_what_it_cannot_measure_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs an ECG, but the data hold none"):
        build_model({"name": "measured"}, DataSpec(tabular=3, heads={"toy": 2}))
    with pytest.raises(ConfigError, match=r"the ECGs have 15 samples, too few for 8 windows"):
        build_model({"name": "measured"}, DataSpec(leads=8, length=15, heads={"toy": 2}))
