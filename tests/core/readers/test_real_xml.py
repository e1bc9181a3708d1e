"""Every real HL7 aECG and Philips Sierra file: leads, rate, unit, length, Einthoven's relation."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import DiskFile, MemoryFile
from components.core.readers.registry import read_signal
from components.core.signals.calibration import real_part
from components.core.signals.leads import LEADS8, LEADS12, select
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig

pytestmark = pytest.mark.real_data

LIMB_LAST = (*LEADS8, "III", "aVR", "aVL", "aVF")
FDA = [f"fda_ectd_subject{n}_{k}" for n in (1, 2) for k in range(3)] + ["hl7_2003_Example_aECG"]
# Name: kind of version, age and sex it states.
SIERRA = {
    "1_03_129DYPRG.XML": {"age": 50.0, "sex": "male"},
    "1_03_repbeats_example.xml": {"age": 50.0, "sex": "male"},
    "1_04_01_2020-5-18_15-48-11.xml": {},
    "1_04_3191723_ZZDEMOPTONLY_orig.xml": {"sex": "male"},
    "1_04_ad4d3d80-d165_orig.xml": {"sex": "female"},
}
# The recording proper: Sierra's calibration pulse stands at 5350-5449.
BEFORE_PULSE = slice(0, 5350)


def _read(real_data, name, **options):
    return read_signal(DiskFile(real_data / "ecg_xml" / name, real_data), **options)


def _residuals(signal, part=slice(None)) -> list[float]:
    """Largest deviation from Einthoven's and Goldberger's relations, in counts."""
    values = signal.values[:, part].astype(float)
    one, two, three, avr, avl, avf = (values[signal.leads.index(lead)] for lead in LEADS12[:6])
    deviations = (
        two - one - three, avr + (one + two) / 2, avl - (one - three) / 2, avf - (two + three) / 2,
    )  # fmt: skip
    return [float(np.abs(each).max()) for each in deviations]


@pytest.mark.parametrize("name", FDA)
def test_fda_and_hl7_examples(real_data, name) -> None:
    signal = _read(real_data, f"hl7_aecg/{name}.xml")
    assert (signal.leads, signal.fs, signal.values.shape) == (LIMB_LAST, 500.0, (12, 5000))
    assert (signal.values.dtype, signal.unit, signal.lsb[0]) == (np.int16, "mV", 0.0025)
    assert signal.meta == {"age": 46.0, "sex": "male"}
    assert signal.values[0, :5].tolist() == [-2, -2, -2, -2, -3]
    assert max(_residuals(signal)) <= 2
    assert np.ptp(signal.physical(), axis=1).max() < 5
    assert prepare(signal, PrepareConfig()).lead_mask.all()


def test_the_liryc_example_is_read_though_its_waves_are_made_up(real_data) -> None:
    signal = _read(real_data, "hl7_aecg/liryc_hl7aecg_example.xml")
    assert (signal.leads, signal.fs, signal.values.shape) == (LEADS12, 100.0, (12, 1000))
    assert (signal.lsb[0], signal.meta) == (0.005, {})
    assert signal.values[:3, 0].tolist() == [-42, -32, -22]  # II is no sum of I and III here


def test_the_empty_example_has_no_rhythm(real_data) -> None:
    with pytest.raises(RecordError, match="has 0 series of type RHYTHM") as caught:
        _read(real_data, "hl7_aecg/fda_empty.xml")
    assert caught.value.code == "no_rhythm_waveform"


def test_the_minimum_example_is_too_little_for_a_model(real_data) -> None:
    signal = _read(real_data, "hl7_aecg/fda_minimum_aecg.xml")
    assert (signal.leads, signal.samples, signal.meta) == (("II",), 13, {})
    with pytest.raises(RecordError, match=r"0\.026 s"):
        prepare(signal, PrepareConfig())


@pytest.mark.parametrize("name", SIERRA)
def test_sierra(real_data, name) -> None:
    signal = _read(real_data, f"philips_sierra/{name}")
    assert (signal.leads, signal.fs, signal.values.shape) == (LEADS12, 500.0, (12, 5500))
    assert (signal.values.dtype, signal.unit) == (np.int16, "mV")
    np.testing.assert_allclose(signal.lsb, 0.005)
    assert signal.meta == SIERRA[name]
    assert max(_residuals(signal, BEFORE_PULSE)) <= 2
    pulse = signal.physical()[:, 5350:5450]
    np.testing.assert_allclose(pulse, 1.0, atol=1e-6)
    assert (signal.values[:, 5450:] == 0).all()
    assert (signal.values[:, 5345:5350] == 0).all()
    prepared = prepare(signal, PrepareConfig())
    assert prepared.flags["calibration_pulse"]
    real = real_part(signal)
    # The flat stretch before the pulse goes with it.
    assert (real.start, 5250 <= real.stop <= 5350) == (0, True)
    first = (real.stop - 5000) // 2
    values, _ = select(signal, LEADS8)
    np.testing.assert_allclose(prepared.values, values[:, first : first + 5000], atol=1e-6)


def test_halves_are_cut_towards_zero(real_data) -> None:
    # Every lead of this file obeys Goldberger's relations to half a count, but only so restored.
    signal = _read(real_data, "philips_sierra/1_04_3191723_ZZDEMOPTONLY_orig.xml")
    assert max(_residuals(signal, BEFORE_PULSE)) == 0.5


def test_the_makers_own_conversion_to_aecg_shows_the_same_waves(real_data) -> None:
    ours = _read(real_data, "philips_sierra/1_04_ad4d3d80-d165_orig.xml")
    theirs = _read(real_data, "philips_sierra/1_04_ad4d3d80-d165_converted.xml")
    assert (theirs.leads, theirs.fs, theirs.samples) == (ours.leads, ours.fs, ours.samples)
    np.testing.assert_array_equal(theirs.lsb, ours.lsb)
    off = np.abs(ours.values.astype(int) - theirs.values)
    # It was compressed with loss on the way: a few counts here and there.
    assert off.max() <= 4
    assert off.mean() < 1


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("type", "text of 10 characters 1.03; known"),
        ("version", "is SierraECG 1.05; known are"),
    ],
)
def test_invalid_sierra_files_say_why(real_data, name, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(real_data, f"philips_sierra/invalid-doc-{name}.xml")
    assert caught.value.code == "unsupported_version"


@pytest.mark.parametrize(
    "name",
    ["hl7_aecg/liryc_hl7aecg_example.xml", "philips_sierra/1_04_3191723_ZZDEMOPTONLY_orig.xml"],
)
def test_damaged_real_files_give_a_signal_or_a_reason(real_data, name) -> None:
    content = (real_data / "ecg_xml" / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content[: int(rng.integers(len(content) // 2, len(content) + 1))])
        if rng.random() < 0.7:
            damaged = bytearray(content)
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = int(rng.integers(0, 256))
        try:
            signal = read_signal(MemoryFile("a.xml", bytes(damaged)))
        except RecordError:
            continue
        assert signal.values.shape == (len(signal.leads), signal.samples)
