"""What is best said of a hidden modality, against textbook formulas and simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.planted_factors import (
    Floats,
    NotAtRandom,
    PlantedFactors,
    PlantedModality,
    Seen,
    expected,
    gaussian,
)
from components.core.planted_factors_file import read_factors, write_factors

WIDTHS = {"a": 3, "b": 4, "c": 2}
FACTORS = 5


def planted(*, missing: float | None = None) -> PlantedFactors:
    rng = np.random.default_rng(3)
    return PlantedFactors(
        modalities={
            name: PlantedModality(
                mean=rng.normal(size=width),
                loadings=rng.normal(size=(width, FACTORS)),
                noise=rng.uniform(0.2, 1.0, width),
            )
            for name, width in WIDTHS.items()
        },
        risks={"death": rng.normal(size=FACTORS)},
        missing=None
        if missing is None
        else NotAtRandom(modality="c", intercept=missing, weights=rng.normal(size=FACTORS)),
    )


def drawn(truth: PlantedFactors, n: int) -> tuple[Floats, dict[str, Floats]]:
    rng = np.random.default_rng(8)
    factors = rng.standard_normal((n, truth.size))
    return factors, {
        name: own.mean
        + factors @ own.loadings.T
        + rng.standard_normal((n, len(own.mean))) * np.sqrt(own.noise)
        for name, own in truth.modalities.items()
    }


def textbook(truth: PlantedFactors, name: str, given: list[str], row: Floats) -> Floats:
    """Return mean and variance of a modality by the partitioned covariance, `[2, W]`."""
    parts = [truth.modalities[each] for each in given]
    own, loadings = truth.modalities[name], np.concatenate([each.loadings for each in parts])
    noise = np.concatenate([each.noise for each in parts])
    within = loadings @ loadings.T + np.diag(noise)
    gain = own.loadings @ loadings.T @ np.linalg.inv(within)
    left = own.loadings @ own.loadings.T + np.diag(own.noise) - gain @ loadings @ own.loadings.T
    mean = own.mean + gain @ (row - np.concatenate([each.mean for each in parts]))
    return np.stack([mean, np.diag(left)])


def test_the_expectation_is_that_of_the_partitioned_covariance() -> None:
    truth = planted()
    _, values = drawn(truth, 6)
    mean, sd = expected(truth, "b", Seen.of(values))
    for i in range(6):
        whole = textbook(truth, "b", ["a", "c"], np.concatenate([values["a"][i], values["c"][i]]))
        np.testing.assert_allclose(mean[i], whole[0])
        np.testing.assert_allclose(sd[i] ** 2, whole[1])


def test_a_row_with_a_gap_is_not_seen() -> None:
    truth = planted()
    _, values = drawn(truth, 2)
    values["c"][1, 0] = np.nan
    mean, _ = expected(truth, "b", Seen.of(values))
    np.testing.assert_allclose(mean[1], textbook(truth, "b", ["a"], values["a"][1])[0])


def test_low_quality_is_more_noise() -> None:
    truth = planted()
    _, values = drawn(truth, 3)
    noisier = planted()
    own = noisier.modalities["a"]
    noisy = PlantedModality(mean=own.mean, loadings=own.loadings, noise=own.noise / 0.25)
    changed = PlantedFactors(modalities={**noisier.modalities, "a": noisy}, risks={})
    half = Seen.of(values, quality={"a": np.full(3, 0.25)})
    plain = expected(changed, "b", Seen.of(values))
    for ours, theirs in zip(expected(truth, "b", half), plain, strict=True):
        np.testing.assert_allclose(ours, theirs)
    # The modality that is asked for is noisier itself, too; an absent one has quality 0.
    sd = expected(truth, "a", Seen.of(values, quality={"a": np.array([0.25, 1.0, 0.0])}))[1]
    np.testing.assert_allclose(sd[0] ** 2 - sd[1] ** 2, own.noise * 3)
    np.testing.assert_allclose(sd[2], sd[1])


def test_the_stated_error_is_the_error() -> None:
    truth = planted()
    _, values = drawn(truth, 20_000)
    mean, sd = expected(truth, "a", Seen.of(values))
    error = (values["a"] - mean) ** 2
    np.testing.assert_allclose(error.mean(0), (sd**2).mean(0), rtol=0.05)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("name", ["b", "c"])
def test_that_a_modality_is_there_tells(name: str, *, recorded: bool) -> None:
    truth = planted(missing=0.3)
    assert truth.missing is not None
    # Few patients with the same values of `a`: drawn from what `a` leaves open, then selected.
    _, values = drawn(truth, 1)
    seen = {"a": values["a"]}
    known = gaussian(truth, Seen.of(seen), np.eye(FACTORS))
    rng = np.random.default_rng(1)
    factors = rng.multivariate_normal(known.mean[0], known.covariance[0], 400_000)
    probit = truth.missing.intercept + factors @ truth.missing.weights
    chosen = factors[(probit + rng.standard_normal(len(factors)) > 0) == recorded]
    own = truth.modalities[name]
    exact = own.mean + chosen @ own.loadings.T
    told = Seen.of(seen, recorded={"c": np.array([recorded])})
    mean, sd = expected(truth, name, told)
    np.testing.assert_allclose(mean[0], exact.mean(0), atol=0.02)
    np.testing.assert_allclose(sd[0] ** 2, exact.var(0) + own.noise, rtol=0.02)
    # The same where nobody says so, but the modality is (or is not) among the values.
    rows = values["c"] if recorded else np.full((1, WIDTHS["c"]), np.nan)
    unsaid = expected(truth, "c", Seen.of({**seen, "c": rows}))
    said = expected(truth, "c", told)
    np.testing.assert_allclose(unsaid, said)


def test_what_is_not_looked_at_tells_nothing() -> None:
    truth, without = planted(missing=0.3), planted()
    _, values = drawn(truth, 3)
    seen = Seen.of({"a": values["a"]})
    np.testing.assert_allclose(expected(truth, "b", seen), expected(without, "b", seen))
    there = Seen.of({"a": values["a"], "c": np.full((3, 2), np.nan)})
    assert not np.allclose(expected(truth, "b", there)[0], expected(without, "b", there)[0])


def test_many_patients_are_taken_in_steps() -> None:
    truth = planted()
    _, values = drawn(truth, 1_100)
    seen = Seen.of(values, quality={"a": np.full(1_100, 0.5)},
                   recorded={"c": np.ones(1_100, np.bool_)})  # fmt: skip
    last = Seen.of({k: v[-1:] for k, v in values.items()}, quality={"a": np.full(1, 0.5)})
    np.testing.assert_allclose(expected(truth, "b", seen)[0][-1:], expected(truth, "b", last)[0])
    rows = truth.risks["death"][None]
    assert gaussian(truth, seen, rows).mean.shape == (1_100, 1)
    np.testing.assert_allclose(
        gaussian(truth, seen, rows).covariance[-1:], gaussian(truth, last, rows).covariance
    )


def test_what_cannot_be_asked_is_refused() -> None:
    truth = planted()
    _, values = drawn(truth, 1)
    with pytest.raises(InputError, match="truth has no modality 'd'; it has a, b, c"):
        expected(truth, "d", Seen.of(values))
    with pytest.raises(InputError, match="truth has no modality 'x'"):
        expected(truth, "a", Seen.of({"x": values["a"]}))
    with pytest.raises(InputError, match="nothing but 'a' itself is seen"):
        expected(truth, "a", Seen.of({"a": values["a"]}))


@pytest.mark.parametrize("missing", [None, -0.4])
def test_the_file_gives_back_what_was_written(tmp_path: Path, missing: float | None) -> None:
    truth = planted(missing=missing)
    write_factors(tmp_path / "factors.h5", truth)
    found = read_factors(tmp_path / "factors.h5")
    _, values = drawn(truth, 2)
    values["c"][0] = np.nan
    np.testing.assert_array_equal(
        expected(found, "b", Seen.of(values)), expected(truth, "b", Seen.of(values))
    )
    assert list(found.risks) == ["death"]
    assert (found.missing is None) == (missing is None)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "factors.h5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"the planted factors 'factors.h5' cannot be read"):
        read_factors(tmp_path / "factors.h5")
