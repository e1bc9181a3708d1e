"""Philips Sierra XML: XLI undone to the bit, limb leads restored, anything unknown refused."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import read_signal
from components.core.signals.leads import LEADS12
from tests.core.readers.xml_files import chunk, packed, sierra, twelve


def _read(content: bytes, **options):
    return read_signal(MemoryFile("ecg.xml", content), **options)


@pytest.fixture(scope="module")
def counts(ecg) -> np.ndarray:
    return twelve(ecg(8, 500))


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_the_waveforms_come_back_to_the_bit(counts, version, encoding) -> None:
    signal = _read(sierra(counts, version=version, encoding=encoding))
    assert signal.values.dtype == np.int16
    np.testing.assert_array_equal(signal.values, counts)
    assert (signal.fs, signal.leads, signal.unit) == (500.0, LEADS12, "mV")
    np.testing.assert_allclose(signal.physical(), counts * 0.005, rtol=1e-6)


def test_chest_leads_stand_as_they_are_and_others_are_left_out(counts) -> None:
    signal = _read(sierra(counts[6:10], ("V1", "V4R", "V9", "C2")))
    assert signal.leads == ("V1", "V2")
    np.testing.assert_array_equal(signal.values, counts[[6, 9]])


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_a_few_samples_are_a_signal(counts, samples) -> None:
    np.testing.assert_array_equal(_read(sierra(counts[:, :samples])).values, counts[:, :samples])


def test_a_full_dictionary_and_extreme_steps_are_undone() -> None:
    # Second differences reach four times the samples and must fit 16 bits, too.
    rows = np.random.default_rng(3).integers(-8000, 8000, (2, 4000))
    signal = _read(sierra(rows, ("V1", "V2"), spare=14))
    np.testing.assert_array_equal(signal.values, rows)


def test_no_spare_channels_are_needed(counts) -> None:
    np.testing.assert_array_equal(_read(sierra(counts, spare=0)).values, counts)


def test_the_waveform_states_its_own_rate_and_resolution(counts) -> None:
    content = sierra(counts, samplespersecond="250", samplingrate="1000", resolution="2.5",
                     durationperchannel="2000")  # fmt: skip
    signal = _read(content)
    assert (signal.fs, signal.lsb[0]) == (250.0, 0.0025)


def test_only_age_and_sex_leave_the_file(counts) -> None:
    signal = _read(sierra(counts))
    assert signal.meta == {"age": 56.0, "sex": "female"}
    assert "Quintanilla" not in repr(signal)


@pytest.mark.parametrize(
    ("person", "meta"),
    [
        ("", {}),
        ("<age defaultage='50'><dateofbirth>1950-01-01</dateofbirth></age>", {}),
        ("<age><months>6</months></age><sex>Male</sex>", {"age": 0.5, "sex": "male"}),
        ("<age><years>999</years></age><sex>Unknown</sex>", {}),
    ],
)
def test_age_and_sex_are_taken_only_when_stated(counts, person, meta) -> None:
    assert _read(sierra(counts, person=person)).meta == meta


def test_a_file_without_a_patient_is_read(counts) -> None:
    content = sierra(counts, encoding="UTF-8").replace(b"generalpatientdata", b"nothing")
    assert _read(content).meta == {}


@pytest.mark.parametrize(
    ("over", "code", "match"),
    [
        ({"version": "1.05"}, "unsupported_version", r"is PhilipsECG 1.05; known are .*1.04.01"),
        ({"documenttype": "MortaraECG"}, "unsupported_version", "is text of 10 characters 1.04;"),
        ({"waves": 0}, "no_rhythm_waveform", "has 0 elements parsedwaveforms"),
        ({"waves": 2}, "several_rhythm_waveforms", "has 2 elements parsedwaveforms"),
        ({"dataencoding": "Hex"}, "unsupported_encoding", "dataencoding is Hex, only Base64"),
        ({"dataencoding": "-"}, "missing_field", "parsedwaveforms has no dataencoding"),
        ({"compression": "Huffman"}, "unsupported_compression", "of 7 characters, only XLI"),
        ({"compression": "-"}, "unsupported_compression", "compression is none, only XLI"),
        ({"version": "1.03", "compressflag": "False"}, "unsupported_compression",
         "compressflag is False"),
        ({"version": "1.03", "compressmethod": "ZIP"}, "unsupported_compression",
         "compressmethod is ZIP"),
        ({"version": "1.03", "acquisitiontype": "FRANK"}, "unknown_lead_set",
         "of lead sets only STD-12 is known, not FRANK"),
        ({"version": "1.03", "numberchannelsvalid": "11"}, "invalid_channels",
         "numberchannelsvalid is 11 for 12 leads"),
        ({"bitspersample": "12"}, "unsupported_sample_size", "bitspersample is 12"),
        ({"signalsigned": "False"}, "unsupported_sample_size", "signalsigned is False"),
        ({"signaloffset": "2048"}, "unsupported_offset", "signaloffset is 2048, only 0"),
        ({"numberofleads": "11"}, "invalid_channels", "numberofleads is 11, the channels labelled"),
        ({"numberchannelsallocated": "-"}, "missing_field", "has no numberchannelsallocated"),
        ({"samplespersecond": "1e9"}, "absurd_fs", "outside 50"),
        ({"samplespersecond": "x"}, "not_a_number", "samplespersecond is not a usable number"),
        ({"resolution": "0"}, "absurd_gain", "one count of lead I would be 0 mV"),
        ({"resolution": "inf"}, "not_a_number", "resolution is not a usable number"),
        ({"durationperchannel": "1001"}, "length_mismatch", "are 500.5 samples, not 1 to"),
        ({"durationperchannel": "0"}, "length_mismatch", "are 0 samples, not 1 to"),
        ({"durationperchannel": "9e9"}, "length_mismatch", "samples, not 1 to 1000000"),
        ({"durationperchannel": "2000"}, "length_mismatch",
         "channel 1 should hold 1000 samples, has 500"),
        ({"durationperchannel": "998"}, "length_mismatch",
         "channel 1 should hold 499 samples, has more"),
        ({"text": "AAA*"}, "bad_base64", "the waveform is not valid base64"),
        ({"text": ""}, "length_mismatch", "has 0 channels for 12 leads"),
        ({"data": b"\1\0\0"}, "bad_compression", "bytes that are no channel follow"),
        ({"data": b"\xff\xff\xff\x7f\1\0\0\0"}, "truncated_waveform",
         "channel 1 states 2147483647 bytes, 0 follow"),
        ({"data": b"\xff\xff\xff\xff\1\0\0\0"}, "truncated_waveform", "channel 1 states -1 bytes"),
        ({"data": b"\1\0\0\0\2\0\0\0x"}, "unsupported_compression", "packed with code 2, only 1"),
        ({"data": b"\1\0\0\0\1\0\0\0x" * 17}, "bad_compression", "has more than 16 channels"),
        ({"data": b"\1\0\0\0\1\0\0\0x" * 11}, "length_mismatch", "has 11 channels for 12 leads"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(counts, over, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(sierra(counts, **over))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("labels", "code", "match"),
    [
        (("I", "-aVR"), "unknown_lead", "'-aVR' is not one of the twelve"),
        (("V1", "C1"), "duplicate_lead", "more than once: V1"),
        (("V1", "V7", "V7"), "duplicate_lead", "more than once: V7"),
        (("V7", "X"), "no_ecg_leads", "no channel is a standard lead"),
        (("I", "III"), "missing_limb_lead", "III are stored relative to II, which"),
        (("I", "II", "aVL"), "missing_limb_lead", "aVL are stored relative to III, which"),
        (tuple(f"V{n}R" for n in range(2, 10)) * 3, "invalid_channels", r"are 24 \(at most 16\)"),
    ],
)
def test_labels_that_cannot_be_leads_are_named(counts, labels, code, match) -> None:
    rows = np.resize(counts, (len(labels), 500))
    with pytest.raises(RecordError, match=match) as caught:
        _read(sierra(rows, labels, spare=0))
    assert caught.value.code == code


def _packed_channel(codes: list[int]) -> bytes:
    payload = packed(codes)
    return len(payload).to_bytes(4, "little") + b"\1\0\0\0" + payload


@pytest.mark.parametrize("codes", [[300], [0, 1, 900], [256]])
def test_a_code_that_is_not_defined_is_refused(codes) -> None:
    content = sierra(np.zeros((1, 500), int), ("V1",), data=_packed_channel(codes))
    with pytest.raises(RecordError, match="channel 1 holds a code that is not defined yet"):
        _read(content)


def test_a_stream_may_end_without_its_end_code() -> None:
    content = sierra(np.zeros((1, 4), int), ("V1",), data=_packed_channel([0] * 8))
    assert _read(content).samples == 4


def test_samples_that_leave_16_bits_are_refused() -> None:
    steep = _packed_channel([0] * 8 + [1023])  # second differences of -64 from the third sample on
    assert _read(sierra(np.zeros((1, 4), int), ("V1",), data=steep)).values.tolist() == [
        [0, 0, 0, 64]
    ]
    long = _packed_channel([0, *range(256, 300), 0, 1023])
    with pytest.raises(RecordError, match="the samples of channel 1 run out of 16 bits"):
        _read(sierra(np.zeros((1, 518), int), ("V1",), data=long))


def test_a_limb_lead_that_leaves_16_bits_is_refused(counts) -> None:
    rows = np.full((12, 4), 0)
    rows[1], rows[0] = 30_000, -30_000
    content = sierra(rows, data=b"".join(map(chunk, rows)))
    with pytest.raises(RecordError, match="restored from its difference runs out of 16 bits"):
        _read(content)


def test_another_root_is_refused_when_the_format_is_forced() -> None:
    with pytest.raises(RecordError, match="root element is not restingecgdata"):
        _read(b"<AnnotatedECG/>", format="philips_sierra")
