"""Exchanged electrodes, built from a normal ECG."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.beats import find_beats
from components.core.signals.leads import LEADS8
from components.core.signals.polarity import MAX_FALL, OPPOSED, progression_fall, similarity

ALL = np.ones(8, np.bool_)


def opposed(x: np.ndarray, mask: np.ndarray = ALL) -> list[str]:
    found = similarity(find_beats(x, 500.0), LEADS8, mask)
    return [lead for lead, value in found.items() if value < OPPOSED]


def test_a_normal_ecg_opposes_nothing(ecg) -> None:
    found = similarity(find_beats(ecg(), 500.0), LEADS8, ALL)
    assert set(found) == {"I", "II", "V2", "V3", "V4", "V5", "V6"}
    assert min(found.values()) > 0.3


@pytest.mark.parametrize("lead", ["I", "II", "V3", "V4", "V5", "V6"])
def test_one_lead_turned_round(ecg, lead) -> None:
    x = ecg()
    x[LEADS8.index(lead)] *= -1
    assert opposed(x) == [lead]
    gained = x * np.linspace(0.2, 3, 8, dtype=np.float32)[:, None]
    assert opposed(gained) == [lead]  # gains do not matter


def test_dextrocardia_turns_the_left_leads_too(ecg) -> None:
    x = ecg()
    x[0] *= -1
    x[6:] *= -1
    assert "I" not in opposed(x)


def test_witnesses_that_are_missing(ecg) -> None:
    x, mask = ecg(), ALL.copy()
    mask[7] = False
    x[0] *= -1
    x[7] = 0
    assert opposed(x, mask) == ["I"]
    mask[6] = False
    assert "I" not in similarity(find_beats(x, 500.0), LEADS8, mask)


def test_without_beats_nothing_is_said(ecg) -> None:
    beats = find_beats(ecg()[:, :700], 500.0)
    assert similarity(beats, LEADS8, ALL) == {}
    assert np.isnan(progression_fall(beats, LEADS8, ALL))


def test_the_r_wave_grows_towards_the_left(ecg) -> None:
    x = ecg()
    assert progression_fall(find_beats(x, 500.0), LEADS8, ALL) < 0.02
    x[[3, 5]] = x[[5, 3]]  # V2 and V4
    assert progression_fall(find_beats(x, 500.0), LEADS8, ALL) > MAX_FALL
    only = np.array([lead in ("I", "II", "V2", "V6") for lead in LEADS8])
    assert np.isnan(progression_fall(find_beats(x, 500.0), LEADS8, only))
    assert progression_fall(find_beats(x, 500.0), ("a", *LEADS8[1:]), ALL) > MAX_FALL
