"""Mean and SD over real samples only, against plain NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.signals.normalise import Moments, NormStats, real_samples

LEADS = ("I", "II", "V1")


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    values = rng.normal(1000.0, [[2.0], [1.0], [0.1]], size=(6, 3, 50)).astype(np.float32)
    mask = np.ones((6, 3), bool)
    mask[1, 2] = mask[4, 0] = False
    start, stop = np.array([0, 5, 0, 10, 0, 0]), np.array([50, 45, 50, 20, 50, 50])
    real = real_samples(values.shape, mask, start, stop)
    values[~real] = 77.0  # must never count
    return values, real


def test_real_samples() -> None:
    real = real_samples((1, 2, 5), np.array([[True, False]]), np.array([1]), np.array([3]))
    assert real.astype(int).tolist() == [[[0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]]


def test_moments_are_numpys_over_real_samples(batch) -> None:
    values, real = batch
    stats = Moments.of(values, real).stats(LEADS)
    for lead in range(3):
        kept = values[:, lead][real[:, lead]].astype(np.float64)
        assert stats.mean[lead] == pytest.approx(kept.mean(), rel=1e-7)
        assert stats.sd[lead] == pytest.approx(kept.std(), rel=1e-5)
        assert stats.count[lead] == kept.size


@pytest.mark.parametrize(("start", "stop"), [(0, 40), (3, 31), (5, 5)])
def test_one_recordings_moments_are_those_of_its_real_samples(start: int, stop: int) -> None:
    values = np.random.default_rng(1).normal(5, 2, (3, 40)).astype(np.float32)
    mask = np.array([True, False, True])
    real = real_samples((1, 3, 40), mask[None], np.array([start]), np.array([stop]))
    found = Moments.of_one(values, mask, start=start, stop=stop)
    whole = Moments.of(values[None], real)
    assert found.count.tolist() == whole.count.tolist()
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-9)
    np.testing.assert_allclose(found.squares, whole.squares, rtol=1e-6)


def test_merging_parts_is_the_whole(batch) -> None:
    values, real = batch
    parts = Moments.empty(3)
    for row in (slice(4, 6), slice(0, 1), slice(1, 4)):
        parts = parts.merge(Moments.of(values[row], real[row]))
    whole = Moments.of(values, real)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.squares, whole.squares, rtol=1e-5)
    np.testing.assert_array_equal(parts.count, whole.count)


def test_applied_they_give_mean_0_sd_1_and_exact_zeros(batch) -> None:
    values, real = batch
    z = Moments.of(values, real).stats(LEADS).apply(values, real)
    assert z.dtype == np.float32
    assert not z[~real].any()
    for lead in range(3):
        kept = z[:, lead][real[:, lead]]
        assert abs(kept.mean()) < 1e-2
        assert kept.std() == pytest.approx(1, abs=1e-3)


def test_json_round_trip_to_the_bit(batch) -> None:
    stats = Moments.of(*batch).stats(LEADS)
    assert NormStats.from_json(stats.to_json()) == stats


def test_a_lead_never_seen_is_refused_where_it_is_real(batch) -> None:
    values, real = batch
    seen = real.copy()
    seen[:, 1] = False
    stats = Moments.of(values, seen).stats(LEADS)
    assert (stats.count[1], stats.mean[1], stats.sd[1]) == (0, 0.0, 1.0)
    assert not stats.apply(values, seen)[:, 1].any()
    with pytest.raises(InputError, match="lead II has values, but the training split never had it"):
        stats.apply(values, real)


def test_a_lead_without_spread_is_refused() -> None:
    values = np.ones((2, 3, 4), np.float32)
    with pytest.raises(InputError, match="lead I has SD 0 over 8 training samples"):
        Moments.of(values, np.ones(values.shape, bool)).stats(LEADS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"leads": 1}', "[" * 100_000])
def test_damaged_json_is_refused(text) -> None:
    with pytest.raises(InputError, match="normalisation statistics cannot be read"):
        NormStats.from_json(text)


@pytest.mark.parametrize(
    "change", [{"sd": [1.0, 0.0, 1.0]}, {"mean": [0.0]}, {"mean": [0.0, float("nan"), 0.0]}]
)
def test_unusable_numbers_are_refused(batch, change) -> None:
    raw = {**json.loads(Moments.of(*batch).stats(LEADS).to_json()), **change}
    with pytest.raises(InputError, match="need one finite mean and one positive SD"):
        NormStats.from_json(json.dumps(raw))
