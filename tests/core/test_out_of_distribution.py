"""The distance against scipy, with gaps, and its way through a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from components.core import out_of_distribution as ood
from components.core.errors import InputError


@pytest.fixture
def distribution() -> ood.EcgDistribution:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4))
    return ood.EcgDistribution(
        mean=rng.normal(size=4), sd=np.array([1.0, 2.0, 0.5, 3.0]), covariance=root @ root.T
    )


def test_the_distance_is_scipys(distribution: ood.EcgDistribution) -> None:
    x = np.random.default_rng(2).normal(size=(6, 4))
    z = (x - distribution.mean) / distribution.sd
    inverse = np.linalg.inv(distribution.covariance)
    expected = [mahalanobis(row, np.zeros(4), inverse) ** 2 / 4 for row in z]
    np.testing.assert_allclose(distribution.distance(x), expected)


def test_a_gap_leaves_the_marginal_distance(distribution: ood.EcgDistribution) -> None:
    x = np.random.default_rng(3).normal(size=(3, 4))
    x[0, 1] = np.nan
    x[2] = np.nan
    kept = [0, 2, 3]
    z = ((x - distribution.mean) / distribution.sd)[0, kept]
    inverse = np.linalg.inv(distribution.covariance[np.ix_(kept, kept)])
    found = distribution.distance(x)
    assert found[0] == pytest.approx(z @ inverse @ z / 3)
    assert np.isfinite(found[1])
    assert found[2] == np.inf


def test_every_pattern_of_gaps_has_its_own_distance_however_many_there_are(
    distribution: ood.EcgDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ood, "_MOST_KEPT", 2)
    x = np.random.default_rng(7).normal(size=(8, 4))
    for row, known in enumerate(x[:4], start=1):
        known[:row] = np.nan
    whole = distribution.distance(x)
    for _ in range(2):
        alone = [float(distribution.distance(row[None])[0]) for row in x]
        np.testing.assert_allclose(alone, whole, rtol=1e-12)


def test_a_summary_that_never_varied_is_left_out(distribution: ood.EcgDistribution) -> None:
    still = ood.EcgDistribution(
        mean=distribution.mean, sd=np.array([1.0, 0.0, 0.5, 3.0]), covariance=np.eye(4)
    )
    x = np.random.default_rng(4).normal(size=(1, 4))
    other = x.copy()
    other[0, 1] += 99
    assert still.distance(x) == still.distance(other)


def test_amplitudes_enter_as_logarithms_and_a_missing_lead_as_a_gap() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 0.2, (1, 2, 2500))
    mask = np.array([[True, False]])
    own = ood.summaries(values, 250.0, ("I", "II"), lead_mask=mask)
    assert own[0, 0] == pytest.approx(np.log(values[0, 0].std() + 1e-3), rel=1e-4)
    assert np.isnan(own[0, 9:18]).all()
    assert np.isfinite(own[0, :9]).all()


def test_a_file_brings_it_back(distribution: ood.EcgDistribution, tmp_path: Path) -> None:
    distribution.save(tmp_path)
    back = ood.load(tmp_path)
    x = np.random.default_rng(6).normal(size=(2, 4))
    assert back.distance(x).tolist() == distribution.distance(x).tolist()


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ood.FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"'distribution.safetensors' .* write the bundle again"):
        ood.load(tmp_path)
