"""The projected heart looks like one, and the scores move what they claim to move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.ingest.synthetic.ecg import Disturbance, Heart, draw_heart, median_beat, synthesise
from components.ingest.synthetic.sensitivity import signal_energy, signal_share
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.vcg import DOWER, LEADS_8, LEADS_12, Morphology, beat, twelve

TIME = np.arange(-0.4, 0.6, 0.001)


def leads(form: Morphology) -> dict[str, np.ndarray]:
    return dict(zip(LEADS_8, (beat(form, rr=0.9).dipole_at(TIME) @ DOWER.T).T, strict=True))


def heart(scores: np.ndarray | None = None) -> Heart:
    values = np.zeros(5) if scores is None else scores
    return draw_heart(values, age=55, female=True, bmi=27, rng=stream(1, "heart"))


def test_limb_leads_obey_einthoven_and_goldberger() -> None:
    signal, _ = synthesise(heart(), Disturbance(), fs=500, rng=stream(2, "ecg"))
    lead = dict(zip(LEADS_12, twelve(signal).astype(np.float64), strict=True))
    np.testing.assert_allclose(lead["I"] + lead["III"], lead["II"], atol=1e-6)
    np.testing.assert_allclose(lead["aVR"] + lead["aVL"] + lead["aVF"], 0.0, atol=1e-6)
    np.testing.assert_allclose(lead["aVF"], (lead["II"] + lead["III"]) / 2, atol=1e-6)
    np.testing.assert_array_equal(np.stack([lead[k] for k in LEADS_8]), signal)


def test_normal_beat_has_a_normal_shape() -> None:
    lead = leads(Morphology())
    qrs = (TIME > -0.06) & (TIME < 0.07)
    late = (TIME > 0.15) & (TIME < 0.42)
    r = {name: lead[name][qrs].max() for name in LEADS_8}
    assert r["V1"] < r["V2"] < r["V3"] < r["V4"]
    assert -lead["V1"][qrs].min() > r["V1"]
    assert r["V5"] > -lead["V5"][qrs].min()
    for name in ("I", "II", "V2", "V3", "V4", "V5", "V6"):
        assert lead[name][late].max() > 0.1
    assert lead["II"][(TIME > -0.26) & (TIME < -0.08)].max() > 0.05


@pytest.mark.parametrize("name", ["r_amplitude", "r_progression"])
def test_r_falls_in_v2_to_v4(name: str) -> None:
    qrs = (TIME > -0.06) & (TIME < 0.07)
    well, ill = leads(Morphology()), leads(replace(Morphology(), **{name: 2.0}))
    for lead in ("V2", "V3", "V4"):
        assert ill[lead][qrs].max() < 0.85 * well[lead][qrs].max()


def test_t_falls_and_inverts_in_v5_and_v6() -> None:
    window = (TIME > 0.15) & (TIME < 0.42)
    mean = [leads(Morphology(t_v5v6=score))["V6"][window].mean() for score in (0.0, 1.5, 3.5)]
    assert mean[0] > mean[1] > 0 > mean[2]


def test_qrs_widens() -> None:
    def width(score: float) -> int:
        kernels = beat(Morphology(qrs_width=score), rr=0.9)
        bell = np.exp(-0.5 * ((TIME[:, None] - kernels.centre) / kernels.width) ** 2)
        part = bell[:, kernels.wave == 1] @ kernels.dipole[kernels.wave == 1]
        return int((np.linalg.norm(part, axis=1) > 0.05).sum())

    assert 80 < width(0.0) < 110
    assert width(2.0) - width(0.0) == pytest.approx(20, abs=5)


def test_qt_lengthens_and_follows_the_rate() -> None:
    def t_peak(score: float, rr: float) -> float:
        kernels = beat(Morphology(qtc=score), rr=rr)
        return float(kernels.centre[-1])

    assert t_peak(2.0, 1.0) - t_peak(0.0, 1.0) == pytest.approx(0.036)
    assert t_peak(0.0, 0.6) < t_peak(0.0, 1.0)


def test_signal_lies_in_qrs_and_t_of_the_chest_leads_and_never_in_p() -> None:
    share = signal_energy() / signal_energy().sum()
    assert share[:, 0].sum() < 0.01
    assert share[2:, [1, 3]].sum() > 0.85
    cells = {(cell["lead"], cell["segment"]) for cell in signal_share()["causal"]}
    assert {("V2", "QRS"), ("V4", "QRS"), ("V5", "T")} <= cells
    assert not {("I", "P"), ("V1", "P"), ("II", "ST")} & cells


def test_median_beat_carries_the_scores() -> None:
    weak, strong = (
        median_beat(heart(np.full(5, value)), fs=500)[LEADS_8.index("V4")].max()
        for value in (2.0, -1.0)
    )
    assert weak < 0.8 * strong
