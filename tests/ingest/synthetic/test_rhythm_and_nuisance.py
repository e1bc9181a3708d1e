"""Rhythm has the asked rate; each disturbance does what its flag says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.synthetic.ecg import Disturbance, Heart, draw_heart, synthesise
from components.ingest.synthetic.nuisance import RATES, Nuisance, disturb, draw_nuisance
from components.ingest.synthetic.rhythm import beats
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.vcg import LEADS_8


def heart() -> Heart:
    return draw_heart(np.zeros(5), age=55, female=False, bmi=27, rng=stream(1, "heart"))


def recorded(nuisance: Nuisance) -> tuple[np.ndarray, np.ndarray]:
    clean, rhythm = synthesise(heart(), nuisance.disturbance, fs=500, rng=stream(2, "ecg"))
    noisy = disturb(clean, nuisance, rhythm=rhythm, site="A", fs=500, rng=stream(2, "noise"))
    return clean, noisy


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(42.0, 130.0), st.booleans(), st.integers(0, 3))
def test_beats_ascend_and_cover_the_recording(
    seed: int, rate: float, fibrillation: bool, ectopics: int
) -> None:
    found = beats(
        np.random.default_rng(seed),
        seconds=10.0,
        rate=rate,
        variability=0.03,
        fibrillation=fibrillation,
        ectopics=ectopics,
    )
    assert (np.diff(found.r_times) > 0.1).all()
    assert found.r_times[0] <= 60.0 / rate
    assert found.r_times[-1] > 10.0 - 2.1
    assert found.ectopic.sum() <= ectopics


def test_rate_and_variability_are_those_asked_for() -> None:
    rr = np.concatenate(
        [
            beats(np.random.default_rng(i), seconds=10.0, rate=75.0, variability=0.04).rr
            for i in range(200)
        ]
    )
    assert rr.mean() == pytest.approx(0.8, abs=0.01)
    assert rr.std() == pytest.approx(0.04, abs=0.006)


def test_fibrillation_is_irregular_and_has_no_p() -> None:
    regular, _ = recorded(Nuisance())
    irregular = beats(
        np.random.default_rng(1), seconds=10.0, rate=75.0, variability=0.03, fibrillation=True
    )
    assert irregular.rr.std() > 0.08
    fibrillating, _ = recorded(Nuisance(disturbance=Disturbance(fibrillation=True)))
    assert not np.array_equal(regular, fibrillating)


def test_ectopic_beat_is_premature_and_compensated() -> None:
    found = beats(np.random.default_rng(3), seconds=10.0, rate=70.0, variability=0.0, ectopics=1)
    at = int(np.flatnonzero(found.ectopic)[0])
    assert found.rr[at] == pytest.approx(0.62 * 60 / 70)
    assert found.rr[at] + found.rr[at + 1] == pytest.approx(2 * 60 / 70)


def test_without_nuisance_the_signal_stays_clean() -> None:
    clean, noisy = recorded(Nuisance())
    assert np.array_equal(clean, noisy)
    assert Nuisance().flags() == []


def test_arm_reversal_turns_lead_i_and_spares_the_chest() -> None:
    clean, noisy = recorded(Nuisance(arm_reversal=True))
    np.testing.assert_array_equal(noisy[0], -clean[0])
    np.testing.assert_allclose(noisy[1], clean[1] - clean[0])
    np.testing.assert_array_equal(noisy[2:], clean[2:])


def test_flat_lead_is_zero_under_noise() -> None:
    _, noisy = recorded(Nuisance(flat_lead=3, noise=1.0))
    assert not noisy[3].any()
    assert noisy[4].any()


def test_noise_has_the_size_of_its_site() -> None:
    clean, noisy = recorded(Nuisance(noise=1.0))
    high = np.diff(noisy - clean, axis=1).std()
    assert 0.004 < high < 0.02
    assert 0.005 < (noisy - clean).std() < 0.15


def test_electrode_motion_stays_in_its_lead() -> None:
    clean, noisy = recorded(Nuisance(electrode_motion=5))
    changed = np.flatnonzero((clean != noisy).any(axis=1))
    assert changed.tolist() == [5]


def test_pacing_adds_spikes() -> None:
    clean, noisy = recorded(Nuisance(disturbance=Disturbance(pacing=True)))
    assert (noisy - clean).max() == pytest.approx(2.0, abs=1e-5)


def test_flags_name_what_was_added() -> None:
    nuisance = Nuisance(
        disturbance=Disturbance(ectopics=2, fibrillation=True), flat_lead=2, noise=3.0
    )
    assert nuisance.flags() == ["fibrillation", "ectopics", "noisy", f"flat_lead:{LEADS_8[2]}"]


def test_disturbances_come_at_their_rates() -> None:
    drawn = [draw_nuisance(np.random.default_rng(i)) for i in range(6_000)]
    flags = [flag.split(":")[0] for each in drawn for flag in each.flags()]
    for name, rate in RATES.items():
        # Four standard errors; pacing also replaces fibrillation, by less than that.
        margin = 4 * np.sqrt(rate / len(drawn))
        assert flags.count(name) / len(drawn) == pytest.approx(rate, abs=margin)
