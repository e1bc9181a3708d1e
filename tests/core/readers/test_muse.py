"""MUSE XML: bit-exact rhythm strip, nothing of the patient but age and sex."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import read_signal
from components.core.signals.leads import LEADS8


def _read(content: bytes):
    return read_signal(MemoryFile("ecg.xml", content))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8", "UTF-16"])
def test_the_rhythm_strip_comes_back_to_the_bit(ecg, muse_xml, end, encoding) -> None:
    counts = ecg()
    signal = _read(muse_xml(counts, end=end, encoding=encoding))
    assert signal.values.dtype == np.int16
    np.testing.assert_array_equal(signal.values, counts)
    assert (signal.fs, signal.leads, signal.unit) == (500.0, LEADS8, "mV")
    np.testing.assert_allclose(signal.physical(), counts * 0.00488, rtol=1e-6)


def test_a_utf8_mark_is_no_obstacle(ecg, muse_xml) -> None:
    content = b"\xef\xbb\xbf" + muse_xml(ecg(), encoding="UTF-8")
    assert _read(content).leads == LEADS8


def test_only_age_and_sex_leave_the_file(ecg, muse_xml) -> None:
    signal = _read(muse_xml(ecg()))
    assert signal.meta == {"age": 56.0, "sex": "female"}
    assert "Quintanilla" not in repr(signal)


@pytest.mark.parametrize(
    ("demographics", "meta"),
    [
        ("<PatientAge>6</PatientAge><AgeUnits>MONTHS</AgeUnits>", {"age": 0.5}),
        ("<PatientAge>61</PatientAge><Gender>M</Gender>", {"age": 61.0, "sex": "male"}),
        ("<PatientAge>61</PatientAge><AgeUnits>MOONS</AgeUnits><Gender>X</Gender>", {}),
        ("<PatientAge>999</PatientAge>", {}),
        ("<PatientAge>Quintanilla</PatientAge>", {}),
    ],
)
def test_age_and_sex_are_taken_only_when_plausible(ecg, muse_xml, demographics, meta) -> None:
    assert _read(muse_xml(ecg(), demographics=demographics)).meta == meta


def test_a_file_without_demographics_is_read(ecg, muse_xml) -> None:
    content = muse_xml(ecg()).replace(b"PatientDemographics", b"Nothing")
    assert _read(content).meta == {}


def test_the_exponent_scales_the_rate(ecg, muse_xml) -> None:
    assert _read(muse_xml(ecg(), SampleBase="5", SampleExponent="2")).fs == 500.0


def test_a_lead_that_is_off_is_left_out(ecg, muse_xml) -> None:
    signal = _read(muse_xml(ecg(), **{"Off-V2": "TRUE"}))
    assert "V2" not in signal.leads
    assert signal.values.shape[0] == 7


def test_thirteen_samples_are_a_signal(ecg, muse_xml) -> None:
    assert _read(muse_xml(ecg(samples=13))).samples == 13


@pytest.mark.parametrize(
    ("over", "code", "match"),
    [
        ({"kinds": ("Median",)}, "no_rhythm_waveform", "has 0 waveforms of type Rhythm"),
        ({"kinds": ("Rhythm", "Rhythm")}, "several_rhythm_waveforms", "has 2 waveforms"),
        ({"LeadSampleCountTotal": "499"}, "length_mismatch", "states 499 samples, has 500"),
        ({"PerBit": "0"}, "absurd_gain", "one count of lead I would be 0 mV"),
        ({"PerBit": "nan"}, "not_a_number", "LeadAmplitudeUnitsPerBit is not a usable number"),
        ({"PerBit": "4,88"}, "not_a_number", "not a usable number"),
        ({"Units": "FURLONGS"}, "unknown_unit", "not a voltage known here"),
        ({"SampleBase": "0"}, "absurd_fs", "the sampling rate 0 Hz is outside 50"),
        ({"SampleBase": "1e9"}, "absurd_fs", "outside 50"),
        ({"SampleExponent": "400"}, "not_a_number", "SampleExponent is not a usable number"),
        ({"SampleBase": ""}, "missing_field", "the element Waveform has no SampleBase"),
        ({"Size": "4"}, "unsupported_sample_size", "has 4 bytes per sample"),
        ({f"Off-{lead}": "TRUE" for lead in LEADS8}, "no_ecg_leads", "holds no lead"),
    ],
)
def test_what_is_wrong_is_named(ecg, muse_xml, over, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(muse_xml(ecg(), **over))
    assert caught.value.code == code


def test_duplicate_and_unknown_leads_list_the_names(ecg, muse_xml) -> None:
    with pytest.raises(RecordError, match=r"more than once: I$|more than once: I;"):
        _read(muse_xml(ecg(), ("I", "Lead I", *LEADS8[2:])))
    with pytest.raises(RecordError, match=r"'V9' is not one of .*names found: I, V9, V1"):
        _read(muse_xml(ecg(), ("I", "V9", *LEADS8[2:])))


def test_leads_of_different_length_are_refused(ecg, muse_xml) -> None:
    long, short = muse_xml(ecg(samples=500)), muse_xml(ecg(samples=400))
    lead = short[short.rindex(b"<LeadData>") :]
    content = long[: long.rindex(b"<LeadData>")] + lead
    with pytest.raises(RecordError, match=r"the leads differ in length: I 500, .*V6 400"):
        _read(content)


def test_damaged_base64_is_refused_not_skipped(ecg, muse_xml) -> None:
    content = muse_xml(ecg())
    at = content.rindex(b"<WaveFormData>") + 40
    with pytest.raises(RecordError, match="waveform of lead V6 is not valid base64"):
        _read(content[:at] + b"*" + content[at + 1 :])


def test_another_root_is_refused_when_the_format_is_forced(ecg) -> None:
    with pytest.raises(RecordError, match="root element is not RestingECG"):
        read_signal(MemoryFile("a.xml", b"<AnnotatedECG/>"), format="muse")
