"""HL7 aECG: leads by their codes, lossless digits, rate and scale in the file's own units."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import read_signal
from components.core.signals.leads import LEADS8
from tests.core.readers.xml_files import (
    AECG_ORDER,
    AGE,
    SUBJECT,
    aecg,
    lead,
    sequence,
    series,
    time,
)


def _read(content: bytes, **options):
    return read_signal(MemoryFile("ecg.xml", content), **options)


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_the_rhythm_series_comes_back_to_the_bit(ecg, encoding) -> None:
    counts = ecg()
    signal = _read(aecg(counts, encoding=encoding))
    assert signal.values.dtype == np.int16
    np.testing.assert_array_equal(signal.values, counts)
    assert (signal.fs, signal.leads, signal.unit) == (500.0, LEADS8, "mV")
    np.testing.assert_allclose(signal.physical(), counts * 0.0025, rtol=1e-6)


def test_the_codes_decide_not_the_order(ecg) -> None:
    counts = ecg(12)
    signal = _read(aecg(counts, AECG_ORDER))
    assert signal.leads[8:] == ("III", "aVR", "aVL", "aVF")
    np.testing.assert_array_equal(signal.values, counts)


def test_prefixed_names_are_read_and_another_namespace_is_not(ecg) -> None:
    text = aecg(ecg(1), ("II",)).decode()
    assert _read(text.replace("SLIST_PQ", "hl7:SLIST_PQ").encode()).leads == ("II",)
    with pytest.raises(RecordError, match=r"root element is not AnnotatedECG; export .*v3"):
        _read(text.replace("urn:hl7-org:v3", "urn:other").encode())


def test_other_positions_are_left_out(ecg) -> None:
    counts = ecg(4)
    signal = _read(aecg(counts, ("I", "V3R", "II", "X")))
    assert signal.leads == ("I", "II")
    np.testing.assert_array_equal(signal.values, counts[[0, 2]])


@pytest.mark.parametrize(
    ("unit", "scale", "origin", "lsb", "offset"),
    [
        ("uV", "2.5", "100", 0.0025, 0.1),
        ("mV", "0.005", "-1", 0.005, -1.0),
        ("nV", "2500", "0", 0.0025, 0.0),
        ("V", "5e-6", "0", 0.005, 0.0),
    ],
)
def test_scale_and_origin_have_their_own_unit(ecg, unit, scale, origin, lsb, offset) -> None:
    counts = ecg(2)
    signal = _read(aecg(counts, ("I", "II"), unit=unit, scale=scale, origin=origin))
    np.testing.assert_allclose(signal.lsb, lsb)
    np.testing.assert_allclose(signal.offset, offset)
    np.testing.assert_allclose(signal.physical(), counts * lsb + offset, atol=1e-6)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("0.5 -1.25 3", [0.5, -1.25, 3.0]), ("1e3 40000 0", [1000.0, 40000.0, 0.0]),
     ("1 NaN 2", [1.0, np.nan, 2.0]), ("1 99999999999999999999 2", [1.0, 1e20, 2.0])],
)  # fmt: skip
def test_digits_that_are_no_int16_become_float(digits, expected) -> None:
    rows = lead("MDC_ECG_LEAD_I", [], digits=digits, scale="2", unit="mV", origin="1")
    signal = _read(aecg(body=series([time() + rows])))
    assert signal.values.dtype == np.float32
    np.testing.assert_allclose(signal.physical()[0], np.array(expected) * 2 + 1, rtol=1e-6)
    assert (signal.lsb, signal.offset) == (1.0, 0.0)


def test_one_lead_of_fractions_makes_all_of_them_float() -> None:
    rows = lead("MDC_ECG_LEAD_I", [1, 2]) + lead("MDC_ECG_LEAD_II", [0.5, 2])
    signal = _read(aecg(body=series([time() + rows])))
    assert signal.values.dtype == np.float32
    np.testing.assert_allclose(signal.values, [[0.0025, 0.005], [0.00125, 0.005]], rtol=1e-6)


def test_whole_numbers_written_as_decimals_are_counts() -> None:
    rows = lead("MDC_ECG_LEAD_I", [], digits="1.0 -2.0 3e0")
    assert _read(aecg(body=series([time() + rows]))).values.tolist() == [[1, -2, 3]]


@pytest.mark.parametrize(
    ("value", "unit", "fs"),
    [("0.002", "s", 500), ("2", "ms", 500), ("2000", "us", 500), ("4.0", "ms", 250),
     ("1000000", "ns", 1000), ("0.00277778", "s", 360), ("0.003906", "s", 256),
     ("2.5E-3", "s", 400), ("0.01", "s", 100), ("3", "ms", 1000 / 3)],
)  # fmt: skip
def test_the_rate_is_the_inverse_of_the_increment(ecg, value, unit, fs) -> None:
    assert _read(aecg(ecg(), axis=time(value, unit))).fs == pytest.approx(fs, rel=1e-12)


def test_two_time_axes_must_agree(ecg) -> None:
    both = time() + time("2", "ms", "TIME_RELATIVE")
    assert _read(aecg(ecg(), axis=both)).fs == 500
    with pytest.raises(RecordError, match="disagree on the sampling rate: 250 Hz, 500 Hz"):
        _read(aecg(ecg(), axis=time() + time("4", "ms", "TIME_RELATIVE")))


def test_only_age_and_sex_leave_the_file(ecg) -> None:
    signal = _read(aecg(ecg()))
    assert signal.meta == {"age": 56.0, "sex": "female"}
    assert "Quintanilla" not in repr(signal)


@pytest.mark.parametrize(
    ("person", "meta"),
    [
        ("", {}),
        (SUBJECT.format("UN") + AGE.format("21612-7", "", "a"), {}),
        (SUBJECT.format("M") + AGE.format("21612-7", "999", "a"), {"sex": "male"}),
        (AGE.format("21612-7", "6", "mo"), {"age": 0.5}),
        (AGE.format("21612-7", "6", "moons"), {}),
        (AGE.format("8867-4", "56", "a"), {}),
        ("<controlVariable><relatedObservation/></controlVariable>", {}),
    ],
)
def test_age_and_sex_are_taken_only_when_plausible(ecg, person, meta) -> None:
    assert _read(aecg(ecg(), person=person)).meta == meta


GOOD = lead("MDC_ECG_LEAD_I", [1, 2])


@pytest.mark.parametrize(
    ("body", "code", "match"),
    [
        ("", "no_rhythm_waveform", "has 0 series of type RHYTHM"),
        (series([time() + GOOD], "REPRESENTATIVE_BEAT"), "no_rhythm_waveform", "has 0 series"),
        (series([time() + GOOD]) * 2, "several_rhythm_waveforms", "has 2 series of type RHYTHM"),
        (series([time() + GOOD] * 2), "several_sequence_sets", "has 2 sequence sets where one"),
        (series([]), "missing_field", "the element series has no sequenceSet"),
        (series([GOOD]), "missing_field", "no time sequence, so the sampling rate is not known"),
        (series([time()]), "no_ecg_leads", "the rhythm series holds no lead"),
        (series([time() + "<component><sequence/></component>"]), "missing_field",
         "the element sequence has no code"),
        (series([sequence("TIME_ABSOLUTE", "") + GOOD]), "missing_field", "has no increment"),
        (series([time("") + GOOD]), "missing_field", "the element increment has no value"),
        (series([time("0") + GOOD]), "not_a_number", "the time increment is not a usable"),
        (series([time("nan") + GOOD]), "not_a_number", "the time increment is not a usable"),
        (series([time("1e999999") + GOOD]), "not_a_number", "the time increment is not a usable"),
        (series([time("abc") + GOOD]), "not_a_number", "the time increment is not a usable"),
        (series([time("2", "min") + GOOD]), "unknown_unit", r"not one known here \(s, ms"),
        (series([time("2", "s") + GOOD]), "absurd_fs", "0.5 Hz is outside 50"),
        (series([time() + lead("MDC_ECG_LEAD_I", [1], kind="SLIST_INT")]), "unsupported_encoding",
         "samples of lead I have the type text of 9 characters, only SLIST_PQ"),
        (series([time() + lead("MDC_ECG_LEAD_I", [1], scale="0")]), "absurd_gain",
         "one digit of lead I would be 0 mV"),
        (series([time() + lead("MDC_ECG_LEAD_I", [1], scale="-5")]), "absurd_gain", "-0.005 mV"),
        (series([time() + lead("MDC_ECG_LEAD_I", [1], scale="inf")]), "not_a_number",
         "scale is not a usable number"),
        (series([time() + lead("MDC_ECG_LEAD_I", [1], unit="mm")]), "unknown_unit",
         "not a voltage known here"),
        (series([time() + lead("MDC_ECG_LEAD_I", [], digits="1,5 2")]), "not_a_number",
         "the digits of lead I are not all numbers"),
        (series([time() + lead("MDC_ECG_LEAD_I", [], digits="1-5 2")]), "not_a_number",
         "the digits of lead I are not all numbers"),
        (series([time() + lead("MDC_ECG_LEAD_I", [], digits=" ")]), "missing_field",
         "the element value has no digits"),
        (series([time() + GOOD + lead("MDC_ECG_LEAD_II", [1])]), "length_mismatch",
         "the leads differ in length: I 2, II 1"),
        (series([time() + GOOD + GOOD]), "duplicate_lead", "more than once: I"),
        (series([time() + GOOD + lead("MDC_ECG_LEAD_VX", [1])]), "unknown_lead",
         "'MDC_ECG_LEAD_VX' is not one of"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(aecg(body=body))
    assert caught.value.code == code


def test_another_root_is_refused_when_the_format_is_forced() -> None:
    with pytest.raises(RecordError, match="root element is not AnnotatedECG") as caught:
        _read(b"<RestingECG/>", format="hl7_aecg")
    assert caught.value.code == "wrong_root"
