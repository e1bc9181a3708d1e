"""Limb leads that contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.einthoven import deviations
from components.core.signals.leads import LEADS8, LEADS12


def test_derived_leads_agree_also_with_the_arms_exchanged(ecg, twelve, make) -> None:
    x = ecg()
    counts = np.rint(twelve(x) / 0.005).astype(np.int16)
    found = deviations(make(counts, LEADS12))
    assert set(found) == {"III", "aVR", "aVL", "aVF"}
    assert max(found.values()) < 0.2
    x[[0, 1]] = -x[0], x[1] - x[0]
    assert max(deviations(make(twelve(x), LEADS12)).values()) < 1e-3


def test_the_lead_with_the_wrong_gain_is_named(ecg, twelve, make) -> None:
    x = twelve(ecg()) + np.float32(0.4)  # an offset is no deviation
    x[3] *= 2
    found = deviations(make(x, LEADS12))
    assert [lead for lead, value in found.items() if value > 1] == ["aVR"]


def test_exchanged_channels_are_named(ecg, twelve, make) -> None:
    names = [*LEADS12[:4], "aVF", "aVL", *LEADS12[6:]]
    found = deviations(make(twelve(ecg()), names))
    assert [lead for lead, value in found.items() if value > 1] == ["aVL", "aVF"]


def test_where_nothing_can_be_told(ecg, twelve, make) -> None:
    assert deviations(make(ecg(), LEADS8)) == {}
    assert deviations(make(twelve(ecg())[1:], LEADS12[1:])) == {}
    assert deviations(make(twelve(ecg()), LEADS12, unit="z")) == {}
    holed = twelve(ecg())
    holed[2, 7] = np.nan
    assert set(deviations(make(holed, LEADS12))) == {"aVR", "aVL", "aVF"}


@pytest.mark.parametrize(("error", "expected"), [(0.05, False), (0.5, True)])
def test_a_gain_within_the_standard_is_free(ecg, twelve, make, error, expected) -> None:
    x = twelve(ecg())
    x[1] *= 1 - error
    assert (max(deviations(make(x, LEADS12)).values()) > 1) == expected
