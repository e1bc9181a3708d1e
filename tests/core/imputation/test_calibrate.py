"""How far imputations are trusted and how wide their intervals are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.imputation.calibrate import (
    Calibration,
    Mending,
    averaged,
    load,
    save,
    trusted_slope,
    widening,
)

RNG = np.random.default_rng(0)
IDS = np.array([f"p{i}" for i in range(80)])


def test_the_slope_is_that_of_least_squares_less_what_may_be_chance() -> None:
    imputed = RNG.normal(size=(80, 20))
    truth = 0.5 * imputed + RNG.normal(0, 0.3, (80, 20))
    plain = (truth * imputed).sum() / (imputed**2).sum()
    assert trusted_slope(truth, imputed, IDS) == pytest.approx(plain, abs=0.005)
    assert trusted_slope(3 * truth, imputed, IDS) == 1
    assert trusted_slope(-truth, imputed, IDS) == 0
    assert trusted_slope(truth, np.zeros_like(truth), IDS) == 0


def test_what_is_imputed_without_any_dependence_is_hardly_ever_trusted() -> None:
    trusted = [
        trusted_slope(RNG.normal(size=(40, 6)), RNG.normal(size=(40, 6)), IDS[:40])
        for _ in range(300)
    ]
    assert np.mean(np.array(trusted) > 0) < 0.06  # two standard errors, on one side
    assert np.mean(np.square(trusted)) < 0.001  # by which the squared error grows


def test_unknown_entries_do_not_count() -> None:
    imputed = RNG.normal(size=(80, 20))
    truth = 0.5 * imputed
    truth[:, 10:] = np.nan
    assert trusted_slope(truth, imputed, IDS) == pytest.approx(0.5)
    assert widening(truth, np.ones_like(truth), patients=80) > 0


def test_records_of_one_patient_are_no_further_evidence() -> None:
    one = RNG.normal(size=(8, 5))
    truth = 0.4 * one + RNG.normal(0, 1.0, one.shape)
    each, copies = np.repeat(truth, 10, axis=0), np.repeat(one, 10, axis=0)
    same = np.repeat(IDS[:8], 10)
    assert trusted_slope(each, copies, same) == pytest.approx(trusted_slope(truth, one, IDS[:8]))
    assert trusted_slope(each, copies, IDS) > trusted_slope(each, copies, same)


def test_widening_makes_ninety_percent_intervals_cover_that() -> None:
    error, stated = RNG.normal(0, 2.0, (4000, 3)), np.ones((4000, 3))
    assert widening(error, stated, patients=4000) == pytest.approx(2.0, rel=0.05)
    # Among ten, the eleventh lies within their largest error nine times of ten.
    few = error[:10]
    assert widening(few, stated[:10], patients=10) == pytest.approx(
        np.abs(few).max() / 1.6449, 1e-3
    )


def test_it_draws_towards_the_centre_and_widens() -> None:
    own = Mending(shrink=0.25, widen=2.0, patients=30, centre=(1.0, 0.0))
    np.testing.assert_allclose(own.mean(np.array([[3.0, 4.0]])), [[1.5, 1.0]])
    np.testing.assert_allclose(own.sd(np.array([[3.0, 0.0]])), [[6.0, 2e-6]])
    assert own.learned


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    own = Mending(shrink=0.25, widen=2.0, patients=30, centre=(1.0, 0.0))
    calibration = Calibration(modalities={"emb_clinical": own})
    save(calibration, tmp_path / "c.json")
    assert load(tmp_path / "c.json") == calibration
    (tmp_path / "c.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"imputations 'c.json' cannot be read; evaluate again"):
        load(tmp_path / "c.json")


def test_several_folds_mend_by_their_mean() -> None:
    found = averaged(
        [
            Calibration(
                modalities={"emb_clinical": Mending(shrink=s, widen=w, patients=n, centre=c)}
            )
            for s, w, n, c in [
                (0.2, 1.0, 30, (0.0, 1.0)),
                (0.6, 3.0, 19, (0.5, 0.0)),
                (0.0, 1.0, 18, (9.0, 9.0)),
            ]
        ]
    )
    own = found.modalities["emb_clinical"]
    assert (own.shrink, own.widen, own.patients) == (pytest.approx(0.4), 2.0, 19)
    assert own.centre == (0.25, 0.5)
