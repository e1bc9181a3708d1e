"""Flags, figures and score on constructed recordings, and on the real ones with known faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import Declared, read_signal
from components.core.signals.calibration import real_part
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.quality import FLAGS, LIMITS, assess, refuse

REAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "wfdb_ecg"
TIME = np.arange(5000) / 500


@pytest.fixture
def usual(ecg) -> np.ndarray:
    """A normal ECG with the noise of a good device."""
    return (ecg() + np.random.default_rng(0).normal(0, 0.005, (8, 5000))).astype(np.float32)


def test_a_good_recording(usual, make) -> None:
    found = assess(make(usual))
    assert found.raised == ()
    assert tuple(found.flags) == FLAGS
    assert [name for name, flag in found.flags.items() if flag is None] == ["einthoven"]
    assert found.score > 0.95
    assert set(found.figures) == {*LIMITS, "agreement"}


def test_twelve_leads(usual, twelve, make) -> None:
    found = assess(make(twelve(usual), LEADS12), LEADS12)
    assert (found.raised, found.lead_scores.shape) == ((), (12,))
    assert found.flags["einthoven"] is False
    wrong = twelve(usual)
    wrong[2] *= -1
    found = assess(make(wrong, LEADS12), LEADS8)
    assert (found.raised, found.flagged["einthoven"]) == (("einthoven",), ("III",))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("flat", lambda x: 0 * x),
        ("saturated", lambda x: np.clip(4 * x, -0.4, 1.4)),
        ("overrange", lambda x: x + 12 * (np.abs(TIME - 5) < 0.1)),
        ("mains", lambda x: x + 0.06 * np.sin(2 * np.pi * 50 * TIME)),
        ("muscle", lambda x: x + np.random.default_rng(1).normal(0, 0.1, 5000)),
        ("wander", lambda x: x + np.sin(2 * np.pi * 0.2 * TIME)),
    ],
)
def test_the_lead_at_fault_is_named(usual, make, name, change) -> None:
    usual[4] = change(usual[4])
    found = assess(make(usual))
    assert name in found.raised
    assert found.flagged[name] == ("V3",)
    assert found.flags["noisy"] or name not in LIMITS
    assert found.lead_scores[4] < 0.5
    assert np.delete(found.lead_scores, 4).min() > 0.95
    assert found.score == pytest.approx(found.lead_scores.mean())


def test_a_lead_at_its_limit_scores_one_half(ecg, make) -> None:
    x = ecg()
    x[0] += (2**0.5 * LIMITS["mains"] * np.sin(2 * np.pi * 50 * TIME)).astype(np.float32)
    # Means of two samples take 5 % off 50 Hz, and 10 % off its power.
    assert assess(make(x)).lead_scores[0] == pytest.approx(0.5, abs=0.04)


def test_exchanged_arms_are_one_fault(usual, make) -> None:
    usual[[0, 1]] = -usual[0], usual[1] - 2.5 * usual[0]
    found = assess(make(usual))
    assert found.raised == ("arm_reversal",)  # lead II holds III, turned in a horizontal axis
    assert found.flagged["wrong_polarity"] == ()


def test_faults_of_the_recording(usual, make) -> None:
    usual[5] *= -1
    found = assess(make(usual))
    assert "wrong_polarity" in found.raised
    assert found.flagged["wrong_polarity"] == ("V4",)
    usual[5] *= -1
    usual[[2, 6]] = usual[[6, 2]]
    assert "chest_order" in assess(make(usual)).raised


def test_beats_that_do_not_resemble_each_other(make) -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, (8, 5000)).cumsum(axis=1)
    assert "unstable" in assess(make(noise)).raised


def test_missing_leads_score_nothing_and_raise_nothing(usual, make) -> None:
    keep = [0, 1, 2, 3, 4, 5]
    found = assess(make(usual[keep], LEADS8[:6]))
    assert found.raised == ()
    assert found.lead_scores[6:].tolist() == [0, 0]
    assert np.isnan(found.figures["mains"][6:]).all()
    assert found.flags["arm_reversal"] is None
    assert found.score == pytest.approx(0.75, abs=0.02)


def test_a_flat_neighbour_witnesses_nothing(usual, make) -> None:
    usual[[3, 5, 7]] = 0
    assert assess(make(usual)).raised == ("flat",)


def test_a_standardised_recording_has_no_millivolts(usual, make) -> None:
    found = assess(make(usual / usual.std(axis=1, keepdims=True), unit="z"))
    told = {name for name, flag in found.flags.items() if flag is not None}
    assert told == {"flat", "unstable", "arm_reversal", "wrong_polarity", "chest_order"}
    assert found.score == 1


@pytest.mark.parametrize("samples", [1, 30, 600])
def test_a_strip_too_short_to_be_told(usual, make, samples) -> None:
    found = assess(make(usual[:, :samples]))
    assert found.flags["unstable"] is None
    assert found.flags["wrong_polarity"] is None


@pytest.mark.parametrize("fs", [100.0, 250.0, 400.0, 1000.0])
def test_any_rate(ecg, make, fs) -> None:
    x = ecg(fs=fs)
    noise = np.random.default_rng(0).normal(0, 0.005, x.shape)
    found = assess(make((x + noise).astype(np.float32), fs=fs))
    assert found.raised == ()
    assert (found.flags["mains"] is None) == (fs < 200)


def test_refusal_by_flag_or_score(usual, make) -> None:
    usual[0] = 0
    found = assess(make(usual))
    refuse(found, reject=("saturated", "einthoven"), min_quality=0.8)
    with pytest.raises(RecordError, match=r"is flagged flat; record again, or take flat") as error:
        refuse(found, reject=("flat", "noisy"), min_quality=0)
    assert (error.value.code, error.value.value) == ("low_quality", "flat")
    with pytest.raises(
        RecordError, match=r"quality is 0\.8\d\d, below 0\.9; record again"
    ) as error:
        refuse(found, reject=(), min_quality=0.9)
    assert (error.value.code, error.value.field) == ("low_quality", "quality")


@pytest.mark.real_data
@pytest.mark.parametrize("record", ["JS20004", "JS20008"])
def test_flat_leads_of_real_records(record) -> None:
    header = REAL / "cinc2021" / f"{record}.hea"
    if not header.exists():
        pytest.skip("the real sample files are not beside the project")
    found = assess(read_signal(DiskFile(header, header.parent), Declared()))
    assert found.flagged["flat"] == ("V2", "V4", "V6")
    assert found.flags["einthoven"] is False
    assert found.score < 0.6


@pytest.mark.real_data
def test_real_recordings_are_mostly_clean_and_hold_no_pulse() -> None:
    headers = sorted((REAL / "ludb" / "data").glob("*.hea"))
    if not headers:
        pytest.skip("the real sample files are not beside the project")
    signals = [read_signal(DiskFile(h, h.parent), Declared()) for h in headers]
    assert all(real_part(each) == slice(0, each.samples) for each in signals)
    found = [assess(each) for each in signals[::4]]
    # Its leads are scaled one by one, which breaks Einthoven's relation: that flag is right.
    ordinary = [set(each.raised) - {"einthoven"} for each in found]
    assert sum(not names for names in ordinary) >= 0.9 * len(found)
    assert sum(each.flags["einthoven"] is True for each in found) > 0.7 * len(found)
